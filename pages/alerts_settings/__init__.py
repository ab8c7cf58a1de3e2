"""The tab ``settings`` of ``/health/alerts``: who is told how, what messages say, when nobody is
told, and what was sent. ``tab`` is what Dash loads; the others are its sections, each with its
forms, and what their buttons do."""

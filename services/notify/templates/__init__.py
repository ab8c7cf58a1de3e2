"""What messages say. Admins may write it themselves: their templates are rendered in a process of
their own that has little memory, little time, and nothing to steal (``worker``)."""

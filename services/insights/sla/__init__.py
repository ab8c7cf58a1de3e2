"""Service levels: what was promised to tenants, and what was kept."""

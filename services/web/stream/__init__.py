"""The live stream: Socket.IO at /api/admin/health/stream, on the dashboard's own server."""

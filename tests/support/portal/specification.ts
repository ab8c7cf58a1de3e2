/** The methods of the specification's API client (part 2, phase 4, task 3), letter by letter, in a
 *  class such as the portal's. `client` is what its API client is: something with `get` and
 *  `baseURL`. */

import { io as connect } from 'socket.io-client';

/** What a browser would send by itself: in Node there are no cookies. */
export const besides: { extraHeaders?: Record<string, string> } = {};
const io = (url: string, options: object) => connect(url, { ...options, ...besides });

export class SpecifiedPortal {
  constructor(
    private readonly client: any,
    private readonly adminPath: string,
  ) {}

// Health Monitoring Methods
async getHealthOverview() {
  return this.client.get(`${this.adminPath}/health/overview`);
}

async getVPSHealth(vpsId: string) {
  return this.client.get(`${this.adminPath}/health/vps/${vpsId}`);
}

async getTenantHealth(tenantId: string) {
  return this.client.get(`${this.adminPath}/health/tenant/${tenantId}`);
}

async getHealthHistory(filters: {
  vpsId?: string;
  tenantId?: string;
  metric?: string;
  timeRange?: string;
}) {
  const params = new URLSearchParams(filters as any);
  return this.client.get(`${this.adminPath}/health/history?${params}`);
}

async getServiceDependencies(service: string) {
  return this.client.get(`${this.adminPath}/health/dependencies?service=${service}`);
}

async exportHealthMetrics(format: 'json' | 'csv', timeRange: string) {
  return this.client.get(`${this.adminPath}/health/export?format=${format}&timeRange=${timeRange}`);
}

// WebSocket connection
connectHealthStream(callbacks: {
  onHealthUpdate?: (data: any) => void;
  onAlert?: (alert: any) => void;
  onConnect?: () => void;
  onDisconnect?: () => void;
}) {
  const socket = io(this.client.baseURL, {
    path: '/api/admin/health/stream',
    withCredentials: true
  });

  socket.on('connect', callbacks.onConnect || (() => {}));
  socket.on('disconnect', callbacks.onDisconnect || (() => {}));
  socket.on('health:update', callbacks.onHealthUpdate || (() => {}));
  socket.on('alert:new', callbacks.onAlert || (() => {}));

  return {
    socket,
    subscribeToVPS: (vpsId: string) => socket.emit('subscribe:vps', vpsId),
    subscribeToTenant: (tenantId: string) => socket.emit('subscribe:tenant', tenantId),
    subscribeToAlerts: () => socket.emit('subscribe:alerts'),
    disconnect: () => socket.disconnect()
  };
}
}

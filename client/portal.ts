/** Healthdeck for the portal: the specification's methods by their names, and with
 *  operations.ts a method for everything else that the API does.
 *
 *      const portal = new Portal('https://healthdeck.example', { token });
 *      const { data } = await portal.getHealthOverview();
 *
 *  Every method gives axios' response, whose `data` is the body; what fails is rejected with a
 *  HealthdeckError. */

import type { AxiosResponse } from 'axios';
import { io, type Socket } from 'socket.io-client';
import { connect, given, query, type Options } from './http.js';
import { Operations } from './operations.js';
import type * as t from './schema.js';

export { HealthdeckError, type Options, type Token } from './http.js';
export type * from './schema.js';

/** Refusals that a second try would not change. */
const FINAL = new Set(['Authentication failed', 'Insufficient permissions']);

/** Milliseconds, at least, before a server that had no place is asked again. */
const BUSY = 5000;

/** Every event has a number that grows by one for each socket: one left out was missed. */
export interface Numbered {
  seq: number;
}

/** To everybody the overview, with `timestamp`; to a room its server or its tenant. */
export type HealthUpdate = Numbered &
  (
    | (t.HealthOverview & { timestamp: string; partial?: boolean; vpsId?: never; tenantId?: never })
    | (t.VpsHealth & { tenantId?: never })
    | t.TenantHealth
  );

export type AlertEvent = Numbered & t.Alert;

export interface Callbacks {
  onHealthUpdate?: (data: HealthUpdate) => void;
  onAlert?: (alert: AlertEvent) => void;
  onConnect?: () => void;
  onDisconnect?: () => void;
  /** An alert was acknowledged, escalated, resolved or the like. */
  onAlertUpdate?: (alert: AlertEvent) => void;
  /** Somebody marked a moment: a deployment, an incident. */
  onAnnotation?: (annotation: Numbered & Record<string, unknown>) => void;
  /** A step of an action that this caller asked for. */
  onJob?: (job: Numbered & Record<string, unknown>) => void;
  /** A connection that did not come about. After a refusal ('Authentication failed',
   *  'Insufficient permissions') there is no second try. */
  onError?: (error: Error) => void;
}

/** What the server says to a subscription. */
export interface Acknowledgement {
  ok: boolean;
  error?: string;
}

export type Acknowledged = (answer: Acknowledgement) => void;

export interface HealthStream {
  socket: Socket;
  subscribeToVPS: (vpsId: string, done?: Acknowledged) => void;
  subscribeToTenant: (tenantId: string, done?: Acknowledged) => void;
  subscribeToAlerts: (done?: Acknowledged) => void;
  unsubscribeFromVPS: (vpsId: string, done?: Acknowledged) => void;
  unsubscribeFromTenant: (tenantId: string, done?: Acknowledged) => void;
  unsubscribeFromAlerts: (done?: Acknowledged) => void;
  disconnect: () => void;
}

export class Portal extends Operations {
  /** `url`: where Healthdeck's pages are, a sub-path included. */
  constructor(
    url: string,
    private readonly options: Options = {},
    adminPath?: string,
  ) {
    super(connect(url, options), adminPath);
  }

  async getHealthOverview(): Promise<AxiosResponse<t.HealthOverview>> {
    return this.client.get(`${this.adminPath}/health/overview`);
  }

  async getVPSHealth(vpsId: string): Promise<AxiosResponse<t.VpsHealth>> {
    return this.client.get(`${this.adminPath}/health/vps/${encodeURIComponent(vpsId)}`);
  }

  async getTenantHealth(tenantId: string): Promise<AxiosResponse<t.TenantHealth>> {
    return this.client.get(`${this.adminPath}/health/tenant/${encodeURIComponent(tenantId)}`);
  }

  async getHealthHistory(filters: t.GetHealthHistoryFilters): Promise<AxiosResponse<t.History>> {
    const params = query(filters);
    return this.client.get(`${this.adminPath}/health/history?${params}`);
  }

  async getServiceDependencies(service: string): Promise<AxiosResponse<t.ServiceDependencies>> {
    const params = query({ service });
    return this.client.get(`${this.adminPath}/health/dependencies?${params}`);
  }

  /** The export in one piece: an object for json, text for csv. */
  async exportHealthMetrics(
    format: 'json' | 'csv',
    timeRange: string,
    filters: Omit<t.ExportHealthMetricsFilters, 'format' | 'timeRange'> = {},
  ): Promise<AxiosResponse<unknown>> {
    const params = query({ ...filters, format, timeRange });
    return this.client.get(`${this.adminPath}/health/export?${params}`);
  }

  /** The stream. It connects again by itself; subscriptions made here are then made again. */
  connectHealthStream(callbacks: Callbacks): HealthStream {
    const { token, headers } = this.options;
    const page = (globalThis as { location?: { href: string } }).location?.href;
    const url = new URL(this.client.baseURL, page);
    const socket: Socket = io(url.origin, {
      path: `${url.pathname.replace(/\/+$/, '')}${this.adminPath}/health/stream`,
      withCredentials: true,
      ...(headers && { extraHeaders: headers }),
      ...(token !== undefined && {
        auth: (send: (auth: object) => void) => {
          given(token).then(
            (text) => send({ token: text }),
            (error: unknown) => {
              socket.disconnect();
              callbacks.onError?.(error instanceof Error ? error : new Error(String(error)));
            },
          );
        },
      }),
    });
    // what is joined is joined again on every new connection; `done` is then called again
    const rooms = new Map<string, { room: string[]; done: Acknowledged | undefined }>();
    const ask = (verb: string, room: string[], done?: Acknowledged): void => {
      const [name, ...ids] = room;
      socket.emit(`${verb}:${name}`, ...ids, done ?? (() => {}));
    };
    const join = (room: string[], done?: Acknowledged): void => {
      rooms.set(room.join(' '), { room, done });
      if (socket.connected) ask('subscribe', room, done);
    };
    const leave = (room: string[], done?: Acknowledged): void => {
      rooms.delete(room.join(' '));
      if (socket.connected) ask('unsubscribe', room, done);
    };

    let left = false;
    const again = (): void => {
      if (!left) socket.connect();
    };
    socket.on('connect', () => {
      rooms.forEach(({ room, done }) => ask('subscribe', room, done));
      callbacks.onConnect?.();
    });
    socket.on('disconnect', (reason) => {
      callbacks.onDisconnect?.();
      // put out: a new connection says why, or works with a new token
      if (reason === 'io server disconnect') again();
    });
    socket.on('connect_error', (error) => {
      callbacks.onError?.(error);
      // the library does not come back after a refusal; of these two there is no need to
      if (!socket.active && !FINAL.has(error.message)) setTimeout(again, BUSY * (1 + Math.random()));
    });
    socket.on('health:update', callbacks.onHealthUpdate ?? (() => {}));
    socket.on('alert:new', callbacks.onAlert ?? (() => {}));
    socket.on('alert:update', callbacks.onAlertUpdate ?? (() => {}));
    socket.on('annotation:new', callbacks.onAnnotation ?? (() => {}));
    socket.on('job:update', callbacks.onJob ?? (() => {}));

    return {
      socket,
      subscribeToVPS: (vpsId, done) => join(['vps', vpsId], done),
      subscribeToTenant: (tenantId, done) => join(['tenant', tenantId], done),
      subscribeToAlerts: (done) => join(['alerts'], done),
      unsubscribeFromVPS: (vpsId, done) => leave(['vps', vpsId], done),
      unsubscribeFromTenant: (tenantId, done) => leave(['tenant', tenantId], done),
      unsubscribeFromAlerts: (done) => leave(['alerts'], done),
      disconnect: () => {
        left = true;
        socket.disconnect();
      },
    };
  }
}

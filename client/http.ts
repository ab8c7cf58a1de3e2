/** How requests are sent, and what comes of those that fail. */

import axios, { type AxiosInstance, type AxiosRequestConfig } from 'axios';

/** What sends the requests: axios, which also says where Healthdeck is. */
export type Client = AxiosInstance & { baseURL: string };

/** A token, or what gives the current one: asked for every request and every connection. */
export type Token = string | (() => string | Promise<string>);

export interface Options {
  /** A JWT or an API key. Without one, a browser's cookie of the same site says who calls. */
  token?: Token;
  /** Sent with every request and with the stream's handshake (there not by browsers). */
  headers?: Record<string, string>;
  /** Milliseconds that an answer may take. */
  timeout?: number;
}

/** What the server answered instead of what was asked for. It holds neither token nor headers. */
export class HealthdeckError extends Error {
  override readonly name = 'HealthdeckError';

  constructor(
    message: string,
    /** The server's code, such as NOT_FOUND; empty when nobody answered. */
    readonly code: string,
    /** HTTP; undefined when nobody answered. */
    readonly status?: number | undefined,
    readonly requestId: string = '',
    readonly details: readonly unknown[] = [],
    /** Seconds after which the server wants to be asked again. */
    readonly retryAfter?: number | undefined,
  ) {
    super(message);
  }
}

/** axios for one server; what goes wrong is a HealthdeckError. */
export function connect(url: string, options: Options = {}): Client {
  const baseURL = url.replace(/\/+$/, '');
  const client = axios.create({
    baseURL,
    timeout: options.timeout ?? 30_000,
    withCredentials: true,
    headers: options.headers ?? {},
  });
  const { token } = options;
  if (token !== undefined) {
    client.interceptors.request.use(async (request) => {
      request.headers.set('Authorization', `Bearer ${await given(token)}`);
      return request;
    });
  }
  client.interceptors.response.use(undefined, (error: unknown) => Promise.reject(told(error)));
  return Object.assign(client, { baseURL });
}

/** The current token. */
export async function given(token: Token): Promise<string> {
  return (typeof token === 'function' ? await token() : token).trim();
}

/** Filters as the server reads them: what is undefined or null is left out, lists repeat. */
export function query(filters: object): URLSearchParams {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(filters)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null) params.append(name, String(one));
    }
  }
  return params;
}

/** The header by which a POST that is sent again is carried out once. */
export function keyed(idempotencyKey: string | undefined): AxiosRequestConfig {
  return idempotencyKey === undefined ? {} : { headers: { 'Idempotency-Key': idempotencyKey } };
}

function told(error: unknown): unknown {
  if (!axios.isAxiosError(error)) return error;
  const { response } = error;
  if (response === undefined) return new HealthdeckError(error.message, '');
  const body: unknown = response.data;
  const after = Number(response.headers['retry-after']);
  const retryAfter = Number.isFinite(after) ? after : undefined;
  if (typeof body !== 'object' || body === null || !('errorCode' in body)) {
    const message = `The answer is not Healthdeck's: HTTP status ${response.status}.`;
    return new HealthdeckError(message, '', response.status, '', [], retryAfter);
  }
  const { error: message, errorCode, requestId, details } = body as Record<string, unknown>;
  return new HealthdeckError(
    String(message),
    String(errorCode),
    response.status,
    String(requestId ?? ''),
    Array.isArray(details) ? details : [],
    retryAfter,
  );
}

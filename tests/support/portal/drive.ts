/** Runs a client as its arguments say and writes what comes of it, a line of JSON each:
 *
 *      node drive.js '{"which": "portal", "url": "...", "token": "...", "calls": [["listVPS"]]}'
 *
 *  With `stream` it listens, and makes the named subscriptions, until its input ends. */

import axios from 'axios';
import { HealthdeckError, Portal } from './portal.js';
import { besides, SpecifiedPortal } from './specification.js';

interface Task {
  which: 'portal' | 'specification';
  url: string;
  token?: string;
  headers?: Record<string, string>;
  calls?: [string, ...unknown[]][];
  stream?: [string, ...string[]][];
}

const task: Task = JSON.parse(process.argv[2] ?? '');
const say = (line: object): void => console.log(JSON.stringify(line));

function made(): Portal | SpecifiedPortal {
  if (task.which === 'portal') {
    const { token, headers } = task;
    return new Portal(task.url, { ...(token && { token }), ...(headers && { headers }) });
  }
  const headers = { ...task.headers, ...(task.token && { Authorization: `Bearer ${task.token}` }) };
  besides.extraHeaders = headers;
  const client = Object.assign(axios.create({ baseURL: task.url, headers }), { baseURL: task.url });
  return new SpecifiedPortal(client, '/api/admin');
}

const portal = made();
for (const [name, ...given] of task.calls ?? []) {
  try {
    const call = (portal as unknown as Record<string, (...all: unknown[]) => Promise<any>>)[name];
    if (call === undefined) throw new Error(`there is no ${name}`);
    const { status, data } = await call.apply(portal, given);
    say({ name, status, data });
  } catch (error) {
    if (error instanceof HealthdeckError) {
      const { message, code, status, requestId, details } = error;
      const shown = JSON.stringify(error) + String(error.stack);
      say({ name, error: { message, code, status, requestId, details, shown } });
    } else if (axios.isAxiosError(error)) {
      say({ name, error: { ...error.response?.data, status: error.response?.status } });
    } else {
      say({ name, error: { message: String(error) } });
    }
  }
}
if (task.stream) {
  const stream = portal.connectHealthStream({
    onHealthUpdate: (body: object) => say({ event: 'health:update', body }),
    onAlert: (body: object) => say({ event: 'alert:new', body }),
    onConnect: () => say({ event: 'connect' }),
    onDisconnect: () => say({ event: 'disconnect' }),
    onAlertUpdate: (body: object) => say({ event: 'alert:update', body }),
    onError: (error: Error) => say({ event: 'error', message: error.message }),
  });
  if (task.which === 'specification') {
    stream.socket.on('connect_error', (error) => say({ event: 'error', message: error.message }));
  }
  for (const [name, ...ids] of task.stream) {
    (stream as unknown as Record<string, (...all: unknown[]) => void>)[name]?.(...ids);
  }
  process.stdin.resume();
  process.stdin.on('end', () => {
    stream.disconnect();
    process.exit(0);
  });
}

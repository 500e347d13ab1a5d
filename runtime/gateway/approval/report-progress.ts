import type { JsonObject } from '../../contract/json.ts';
import type { ToolCall } from '../../contract/tool-call.ts';
import type { Outlet } from '../safe-reply.ts';

const everyMs = 5000;

/**
 * Tells a client that asked for progress that its call waits for a person, at once and every five seconds; stops when the returned function is
 * called. MCP basic/utilities/progress: the value grows, here in seconds.
 */
export function reportProgress({ params }: ToolCall, outlet: Outlet, holdMs: number): () => void {
  const { progressToken } = (params._meta as JsonObject | undefined) ?? {};
  if ((typeof progressToken !== 'string' && typeof progressToken !== 'number') || holdMs <= 0) return () => {};
  let progress = 0;
  const report = () => {
    outlet.notify('notifications/progress', { progressToken, progress, message: 'Waiting for a person to decide.' });
    progress += everyMs / 1000;
  };
  report();
  const timer = setInterval(report, everyMs);
  return () => clearInterval(timer);
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { type NodeIncomingMessageLike, toNodeHandler } from '@modelcontextprotocol/node';
import {
  type AuthInfo,
  type CallToolResult,
  createMcpHandler,
  ProtocolError,
  ProtocolErrorCode,
  preloadSchemas,
  Server,
  type Tool,
} from '@modelcontextprotocol/server';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import type { Json, JsonObject } from '../contract/json.ts';
import { errorMetaKey } from '../contract/refusal-codes.ts';
import type { Logger } from '../shared/logger.ts';
import type { CallContext, ServedTool, ServerIdentity } from './served-tool.ts';

/** The MCP side of a tool server, both protocol eras, without sessions. */
export interface McpEndpoint {
  /** Answers one POST whose token, body and right to call were checked. */
  serve(request: IncomingMessage, response: ServerResponse, body: Json, context: CallContext): Promise<void>;
  /** Ends open streams with their last message. */
  close(): Promise<void>;
}

/** How long clients may keep the list: it changes with a deployment only. */
const listTtlMs = 60_000;

export function createMcpEndpoint(identity: ServerIdentity, tools: readonly ServedTool[], logger: Logger): McpEndpoint {
  // Once at boot: built for each request they would cost more than the request itself.
  preloadSchemas();
  const definitions = tools.map(toDefinition);
  const validators = compileInputs(tools);
  const byName = new Map(tools.map((tool) => [tool.definition.name, tool]));
  const hint = { ttlMs: listTtlMs, cacheScope: 'private' } as const;
  const options = {
    capabilities: { tools: {} },
    cacheHints: { 'tools/list': hint, 'server/discover': hint },
  };
  const info = { name: identity.name, title: identity.title, version: identity.version };

  const handler = createMcpHandler(
    () => {
      // The low-level Server: McpServer converts its schemas anew for every list.
      const server = new Server(info, options);
      server.setRequestHandler('tools/list', ({ params }) => {
        if (params?.cursor !== undefined) throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'Unknown cursor.');
        return { tools: definitions };
      });
      server.setRequestHandler('tools/call', ({ params }, { mcpReq, http }) => {
        const context = http?.authInfo?.extra?.context as CallContext | undefined;
        const tool = byName.get(params.name);
        if (context === undefined || tool === undefined) throw unknownTool();
        const args = (params.arguments ?? {}) as JsonObject;
        const violations = violationsOf(validators.get(params.name) as ValidateFunction, args);
        if (violations.length > 0) return invalidArguments(violations);
        return runTool(tool, args, { ...context, signal: AbortSignal.any([context.signal, mcpReq.signal]) });
      });
      return server;
    },
    { legacy: 'stateless', onerror: (error) => logger.debug({ err: error }, 'a message was not served') },
  );
  const serveNode = toNodeHandler(handler, { onerror: (error) => logger.error({ err: error }, 'an exchange broke') });

  return {
    serve(request, response, body, context) {
      const auth: AuthInfo = {
        // The token stays at the door; nothing behind it needs one.
        token: '',
        clientId: context.caller.clientId,
        scopes: [...context.caller.scopes],
        extra: { context },
      };
      return serveNode(Object.assign(request, { auth }) as NodeIncomingMessageLike, response, body);
    },
    close: () => handler.close(),
  };
}

async function runTool(tool: ServedTool, args: JsonObject, context: CallContext): Promise<CallToolResult> {
  const started = performance.now();
  let outcome = 'broken';
  try {
    const result = await tool.call(args, context);
    outcome = result.isError === true ? 'tool_error' : 'ok';
    return result;
  } catch (error) {
    context.logger.error({ err: error }, 'a tool broke');
    // Its message may hold data; MCP clients show what they are sent.
    throw new ProtocolError(ProtocolErrorCode.InternalError, 'Something is broken in the tool server.');
  } finally {
    context.logger.info(
      { tool: tool.definition.name, outcome, ms: Math.round(performance.now() - started) },
      'tool called',
    );
  }
}

function toDefinition({ definition }: ServedTool): Tool {
  const { name, title, description, inputSchema, outputSchema, annotations } = definition;
  return { name, title, description, inputSchema, outputSchema, annotations } as Tool;
}

function compileInputs(tools: readonly ServedTool[]): ReadonlyMap<string, ValidateFunction> {
  const ajv = new Ajv2020({ allErrors: false, strict: true, allowUnionTypes: true });
  return new Map(tools.map(({ definition }) => [definition.name, ajv.compile(definition.inputSchema)]));
}

function violationsOf(validate: ValidateFunction, args: JsonObject): readonly string[] {
  return validate(args) ? [] : (validate.errors ?? []).map(violationOf);
}

function violationOf({ instancePath, message, params }: ErrorObject): string {
  const extra = typeof params.additionalProperty === 'string' ? `: ${params.additionalProperty}` : '';
  return `arguments${instancePath} ${message}${extra}`.slice(0, 300);
}

/** MCP server/tools § Error Handling: bad input is a tool result, so that the model can correct itself. */
function invalidArguments(violations: readonly string[]): CallToolResult {
  const message = `The arguments do not match the input schema.\n- ${violations.join('\n- ')}`;
  return {
    isError: true,
    content: [{ type: 'text', text: message }],
    _meta: { [errorMetaKey]: { code: 'arguments_invalid', message, violations } },
  };
}

function unknownTool(): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, 'Unknown tool.');
}

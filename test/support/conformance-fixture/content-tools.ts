import { setTimeout as delay } from 'node:timers/promises';
import { type FixtureTool, fixtureTool, text } from './fixture-tool.ts';
import { redPixelPng, silenceWav } from './media.ts';

const image = { type: 'image', data: redPixelPng, mimeType: 'image/png' } as const;

/** Tools that answer with each kind of content, with errors, and with notifications on the way. */
export const contentTools: readonly FixtureTool[] = [
  fixtureTool('test_simple_text', 'Answers with one text.', () => text('This is a simple text response for testing.')),
  fixtureTool('test_image_content', 'Answers with one picture.', () => ({ content: [image] })),
  fixtureTool('test_audio_content', 'Answers with one sound.', () => ({
    content: [{ type: 'audio', data: silenceWav, mimeType: 'audio/wav' }],
  })),
  fixtureTool('test_embedded_resource', 'Answers with one embedded resource.', () => ({
    content: [
      {
        type: 'resource',
        resource: {
          uri: 'test://embedded-resource',
          mimeType: 'text/plain',
          text: 'This is an embedded resource content.',
        },
      },
    ],
  })),
  fixtureTool('test_multiple_content_types', 'Answers with text, picture and resource.', () => ({
    content: [
      { type: 'text', text: 'Multiple content types test:' },
      image,
      {
        type: 'resource',
        resource: {
          uri: 'test://mixed-content-resource',
          mimeType: 'application/json',
          text: JSON.stringify({ test: 'data', value: 123 }),
        },
      },
    ],
  })),
  fixtureTool('test_error_handling', 'Always fails.', () => {
    throw new Error('This tool intentionally returns an error for testing');
  }),
  fixtureTool('test_tool_with_progress', 'Reports its progress in three steps.', async (_args, { context }) => {
    const progressToken = context.mcpReq._meta?.progressToken;
    for (const progress of [0, 50, 100]) {
      if (progress > 0) await delay(stepMs);
      if (progressToken === undefined) continue;
      await context.mcpReq.notify({
        method: 'notifications/progress',
        params: { progressToken, progress, total: 100 },
      });
    }
    return text('Three steps were reported.');
  }),
  fixtureTool('test_tool_with_logging', 'Logs three lines while it runs.', async (_args, { context }) => {
    await context.mcpReq.log('info', 'Tool execution started');
    await delay(stepMs);
    await context.mcpReq.log('info', 'Tool processing data');
    await delay(stepMs);
    await context.mcpReq.log('info', 'Tool execution completed');
    return text('Three lines were logged.');
  }),
  fixtureTool('test_logging_tool', 'Logs one line to whoever asked for logs.', async (_args, { context }) => {
    await context.mcpReq.log('info', 'One line');
    return text('One line was logged to whoever asked for logs.');
  }),
  fixtureTool('test_trigger_tool_change', 'Tells subscribers that the tools changed.', (_args, { notify }) => {
    notify.toolsChanged();
    return text('Subscribers were told that the tools changed.');
  }),
  fixtureTool('test_trigger_prompt_change', 'Tells subscribers that the prompts changed.', (_args, { notify }) => {
    notify.promptsChanged();
    return text('Subscribers were told that the prompts changed.');
  }),
  fixtureTool(
    'test_x_mcp_header',
    'Takes an argument that is repeated in a header.',
    ({ region }) => text(`The region is ${String(region)}.`),
    {
      type: 'object',
      properties: { region: { type: 'string', 'x-mcp-header': 'Region' } },
      additionalProperties: false,
    },
  ),
];

/** The suite asks for a pause between notifications, so that a proxy that buffers is seen. */
const stepMs = 50;

import { isWebAddress } from './draw-mrkdwn.ts';

/**
 * What Slack refuses in blocks and views, by the limits that its reference documents (docs.slack.dev/reference/block-kit and
 * docs.slack.dev/reference/views). Returns one sentence a fault; a kind of block that is not known here is a fault too.
 */
export function blockKitFaults(blocks: unknown, surface: 'message' | 'modal' = 'message'): readonly string[] {
  const faults: string[] = [];
  const at = (path: string) => (fault: string) => void faults.push(`${path} ${fault}`);
  const list = asList(blocks, at('blocks'), 1, surface === 'message' ? 50 : 100);
  const ids = list.map((block) => asObject(block).block_id).filter((id) => id !== undefined);
  if (new Set(ids).size !== ids.length) at('blocks')('repeat a block_id');
  list.forEach((block, index) => void checkBlock(asObject(block), at(`blocks[${index}]`), surface));
  // Not documented; bolt-js issues 2509 and 2867 measured about 13,200 over all blocks of a message.
  if (surface === 'message' && JSON.stringify(blocks).length > 13_000) at('blocks')('are too long together');
  return faults;
}

/** The same for a modal. */
export function viewFaults(view: unknown): readonly string[] {
  const { type, title, submit, close, callback_id, private_metadata, blocks } = asObject(view);
  const faults: string[] = [];
  const at = (path: string) => (fault: string) => void faults.push(`${path} ${fault}`);
  if (type !== 'modal') at('type')(`is ${String(type)}`);
  checkText(title, at('title'), { max: 24, plain: true });
  if (submit !== undefined) checkText(submit, at('submit'), { max: 24, plain: true });
  if (close !== undefined) checkText(close, at('close'), { max: 24, plain: true });
  checkString(callback_id, at('callback_id'), 255);
  if (private_metadata !== undefined) checkString(private_metadata, at('private_metadata'), 3000);
  const hasInput = Array.isArray(blocks) && blocks.some((block) => asObject(block).type === 'input');
  if (hasInput && submit === undefined) at('submit')('is needed with an input block');
  return [...faults, ...blockKitFaults(blocks, 'modal')];
}

type Fault = (fault: string) => void;
type Fields = Readonly<Record<string, unknown>>;

function checkBlock(block: Fields, fault: Fault, surface: 'message' | 'modal'): void {
  if (block.block_id !== undefined) checkString(block.block_id, fault, 255);
  const known: Readonly<Record<string, readonly string[]>> = {
    header: ['text'],
    section: ['text', 'fields'],
    context: ['elements'],
    actions: ['elements'],
    rich_text: ['elements'],
    input: ['label', 'element'],
    divider: [],
  };
  const fields = known[String(block.type)];
  if (fields === undefined) {
    fault(`has the unknown type ${String(block.type)}`);
    return;
  }
  for (const name of Object.keys(block)) {
    if (!['type', 'block_id', ...fields].includes(name)) fault(`has the unknown field ${name}`);
  }
  switch (block.type) {
    case 'header':
      checkText(block.text, fault, { max: 150, plain: true });
      return;
    case 'section':
      if (block.text === undefined && block.fields === undefined) fault('has neither text nor fields');
      if (block.text !== undefined) checkText(block.text, fault, { max: 3000 });
      if (block.fields !== undefined) {
        for (const field of asList(block.fields, fault, 1, 10)) checkText(field, fault, { max: 2000 });
      }
      return;
    case 'context':
      for (const element of asList(block.elements, fault, 1, 10)) checkText(element, fault, { max: 3000 });
      return;
    case 'actions': {
      const elements = asList(block.elements, fault, 1, 25).map(asObject);
      if (new Set(elements.map(({ action_id }) => action_id)).size !== elements.length) fault('repeats an action_id');
      for (const element of elements) checkButton(element, fault);
      return;
    }
    case 'rich_text':
      for (const element of asList(block.elements, fault, 1, 100)) checkRichText(asObject(element), fault);
      return;
    case 'input':
      if (surface !== 'modal') fault('is an input in a message');
      checkText(block.label, fault, { max: 2000, plain: true });
      checkInput(asObject(block.element), fault);
      return;
  }
}

function checkButton(button: Fields, fault: Fault): void {
  if (button.type !== 'button') {
    fault(`holds a ${String(button.type)}`);
    return;
  }
  checkString(button.action_id, fault, 255);
  checkText(button.text, fault, { max: 75, plain: true });
  if (button.value !== undefined) checkString(button.value, fault, 2000);
  if (button.url !== undefined) {
    checkString(button.url, fault, 3000);
    if (!isWebAddress(String(button.url))) fault('is a link that leads nowhere');
  }
  if (button.style !== undefined && button.style !== 'primary' && button.style !== 'danger')
    fault('has a strange style');
  if (button.confirm === undefined) return;
  const confirm = asObject(button.confirm);
  checkText(confirm.title, fault, { max: 100, plain: true });
  checkText(confirm.text, fault, { max: 300, plain: true });
  checkText(confirm.confirm, fault, { max: 30, plain: true });
  checkText(confirm.deny, fault, { max: 30, plain: true });
}

function checkInput(input: Fields, fault: Fault): void {
  if (input.type !== 'plain_text_input') {
    fault(`holds a ${String(input.type)}`);
    return;
  }
  checkString(input.action_id, fault, 255);
  const { min_length: min = 0, max_length: max = 3000 } = input;
  if (!(Number(min) >= 0 && Number(min) <= 3000 && Number(max) >= 1 && Number(max) <= 3000)) {
    fault('has lengths outside 0 to 3,000');
  }
}

function checkRichText(element: Fields, fault: Fault): void {
  if (element.type !== 'rich_text_section' && element.type !== 'rich_text_preformatted') {
    fault(`holds a ${String(element.type)}`);
    return;
  }
  for (const part of asList(element.elements, fault, 1, 1000).map(asObject)) {
    if (part.type === 'text') checkString(part.text, fault, 3000);
    else if (part.type === 'date') {
      if (!Number.isSafeInteger(part.timestamp)) fault('has a date without a time');
      checkString(part.format, fault, 3000);
    } else fault(`holds a ${String(part.type)}`);
  }
}

function checkText(text: unknown, fault: Fault, { max, plain = false }: { max: number; plain?: boolean }): void {
  const { type, text: words, emoji, verbatim } = asObject(text);
  if (type !== 'plain_text' && (plain || type !== 'mrkdwn')) fault(`has a text of type ${String(type)}`);
  if (emoji !== undefined && type !== 'plain_text') fault('has emoji on mrkdwn');
  if (verbatim !== undefined && type !== 'mrkdwn') fault('has verbatim on plain text');
  checkString(words, fault, max);
}

function checkString(value: unknown, fault: Fault, max: number): void {
  if (typeof value !== 'string') {
    fault(`has ${typeof value} where text belongs`);
    return;
  }
  if (value.length < 1 || value.length > max) fault(`has ${value.length} characters where 1 to ${max} are allowed`);
  if (!value.isWellFormed()) fault('has half a character');
}

function asList(value: unknown, fault: Fault, min: number, max: number): readonly unknown[] {
  if (!Array.isArray(value)) {
    fault('is no list');
    return [];
  }
  if (value.length < min || value.length > max) fault(`has ${value.length} items where ${min} to ${max} are allowed`);
  return value;
}

function asObject(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

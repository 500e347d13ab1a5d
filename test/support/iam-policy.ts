/** An IAM policy document, as far as task roles and their policies use the language. */
export interface PolicyDocument {
  readonly Statement: PolicyStatement | readonly PolicyStatement[];
}

export interface PolicyStatement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** One AWS call: what it does, on what, and the condition keys that go with it. */
export interface AwsCall {
  /** e.g. `dynamodb:GetItem`. */
  readonly action: string;
  readonly resource: string;
  readonly context: Readonly<Record<string, string | readonly string[]>>;
}

/** One action on one resource pattern that a policy allows. */
export interface Grant {
  readonly action: string;
  readonly resource: string;
  /** Of a table, when only some. */
  readonly partitions?: readonly string[];
}

/** What a role may do, asked call by call; it remembers which grants were needed. */
export interface Role {
  /** Undefined when the call is allowed, else why not. */
  refusal(call: AwsCall): string | undefined;
  /** Grants that no allowed call has needed so far. */
  unused(): readonly Grant[];
}

/**
 * Evaluates identity policies (IAM User Guide, "Policy evaluation logic"): an explicit deny wins, then any allow, else no. Throws for a
 * part of the language that it does not know, so that nothing is allowed by misreading.
 */
export function roleOf(documents: readonly PolicyDocument[]): Role {
  const statements = documents.flatMap(({ Statement }) => [Statement].flat() as PolicyStatement[]);
  const used = new Set<string>();
  for (const statement of statements) {
    if ('NotAction' in statement || 'NotResource' in statement || 'Principal' in statement)
      throw new Error(`a statement uses what this evaluator does not know: ${JSON.stringify(statement)}`);
  }
  return {
    refusal(call) {
      let isAllowed = false;
      for (const [index, statement] of statements.entries()) {
        const actions = list(statement.Action).filter((pattern) =>
          matches(pattern.toLowerCase(), call.action.toLowerCase()),
        );
        const resources = list(statement.Resource).filter((pattern) => matches(pattern, call.resource));
        if (actions.length === 0 || resources.length === 0 || !holds(statement, call)) continue;
        if (statement.Effect === 'Deny')
          return `${call.action} on ${call.resource} is denied by ${statement.Sid ?? `statement ${index}`}`;
        isAllowed = true;
        for (const action of actions) for (const resource of resources) used.add(`${index} ${action} ${resource}`);
      }
      return isAllowed ? undefined : `${call.action} on ${call.resource} is allowed by no statement`;
    },
    unused: () =>
      statements.flatMap((statement, index) =>
        statement.Effect === 'Deny'
          ? []
          : list(statement.Action).flatMap((action) =>
              list(statement.Resource)
                .filter((resource) => !used.has(`${index} ${action} ${resource}`))
                .map((resource) => ({ action, resource, ...partitionsOf(statement) })),
            ),
      ),
  };
}

function partitionsOf({ Condition = {} }: PolicyStatement): Pick<Grant, 'partitions'> {
  const partitions = Condition['ForAllValues:StringLike']?.['dynamodb:LeadingKeys'];
  return partitions === undefined ? {} : { partitions: list(partitions) };
}

function holds({ Condition = {} }: PolicyStatement, { context }: AwsCall): boolean {
  return Object.entries(Condition).every(([operator, keys]) =>
    Object.entries(keys).every(([key, expected]) => {
      const actual = context[key];
      if (operator === 'Null') return list(expected).includes(String(actual === undefined));
      const compare = comparisons[operator];
      if (compare === undefined) throw new Error(`the condition operator ${operator} is not known here`);
      // IAM User Guide, "Condition operators": a key that is not in the request makes a positive operator false.
      return actual !== undefined && list(actual).every((each) => list(expected).some((value) => compare(value, each)));
    }),
  );
}

const comparisons: Readonly<Record<string, (expected: string, actual: string) => boolean>> = {
  StringEquals: (expected, actual) => expected === actual,
  // That the key must be there is stricter than IAM, which lets a call without it pass.
  'ForAllValues:StringEquals': (expected, actual) => expected === actual,
  'ForAllValues:StringLike': matches,
  StringLike: matches,
  ArnLike: matches,
  ArnEquals: matches,
  Bool: (expected, actual) => expected === actual,
};

/** `*` any characters, `?` one. */
function matches(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(text);
}

function list<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? value : [value as T];
}

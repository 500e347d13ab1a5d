import { type AwsInput, type AwsJsonDouble, awsFault, startAwsJsonDouble } from './aws-json-double.ts';

/** SSM's parameters over its own protocol (AWS JSON 1.1), as far as our services and tests use them. */
export interface SsmDouble extends AwsJsonDouble {
  /** By name; a test may write here. */
  readonly parameters: Map<string, string>;
}

export async function startSsmDouble(): Promise<SsmDouble> {
  const parameters = new Map<string, string>();
  const double = await startAwsJsonDouble('AmazonSSM', (action, input) => answerOf(action, input, parameters));
  return Object.assign(double, { parameters });
}

function answerOf(action: string, input: AwsInput, parameters: Map<string, string>) {
  const name = String(input.Name);
  const read = (each: string) => ({ Name: each, Type: 'String', Value: parameters.get(each), Version: 1 });
  switch (action) {
    case 'PutParameter':
      if (parameters.has(name) && input.Overwrite !== true) return awsFault('ParameterAlreadyExists');
      if (Buffer.byteLength(String(input.Value)) > (input.Tier === 'Advanced' ? 8192 : 4096)) {
        return awsFault('ValidationException');
      }
      parameters.set(name, String(input.Value));
      return { Version: 1, Tier: input.Tier ?? 'Standard' };
    case 'DeleteParameter':
      return parameters.delete(name) ? {} : awsFault('ParameterNotFound');
    case 'GetParameter':
      return parameters.has(name) ? { Parameter: read(name) } : awsFault('ParameterNotFound');
    case 'GetParametersByPath': {
      const path = `${String(input.Path).replace(/\/$/, '')}/`;
      const size = Number(input.MaxResults ?? 10);
      if (size < 1 || size > 10) return awsFault('ValidationException');
      const below = [...parameters.keys()]
        .filter((each) => each.startsWith(path))
        .filter((each) => input.Recursive === true || !each.slice(path.length).includes('/'))
        .sort();
      const start = Number(input.NextToken ?? 0);
      const end = start + size;
      return {
        Parameters: below.slice(start, end).map(read),
        ...(end < below.length && { NextToken: String(end) }),
      };
    }
    default:
      return awsFault('UnknownOperationException');
  }
}

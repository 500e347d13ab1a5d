import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import schema from '../contract/agent-declaration.schema.json' with { type: 'json' };
import type { AgentDeclaration, PublicJwk } from '../contract/agent-declaration.ts';
import { JsonError, parseJson } from '../shared/parse-json.ts';

const limits = { depthMax: 16, valuesMax: 5000 };
const rsaBitsMin = 2048;
let validate: ValidateFunction<AgentDeclaration> | undefined;

/** Reads the declaration in the parameter `name`. Throws an Error with one sentence that names what is wrong and shows no key. */
export function readAgent(name: string, text: string): AgentDeclaration {
  let value: unknown;
  try {
    value = parseJson(Buffer.from(text), limits);
  } catch (error) {
    if (error instanceof JsonError) throw new Error(error.message.replace('The body', 'The declaration'));
    throw error;
  }
  validate ??= new Ajv2020({ logger: false }).compile<AgentDeclaration>(schema);
  if (!validate(value)) throw new Error(sentence(validate.errors?.[0]));
  if (value.name !== name) {
    throw new Error(`name is ${value.name}, but the parameter is called ${name}: they must be the same.`);
  }
  const kids = value.jwks.keys.map(({ kid }) => kid).filter((kid) => kid !== undefined);
  if (new Set(kids).size < kids.length) throw new Error('Two keys have the same kid.');
  for (const [i, jwk] of value.jwks.keys.entries()) checkKey(jwk, `jwks.keys.${i}`);
  return value;
}

const algorithms: Readonly<Record<PublicJwk['kty'], readonly string[]>> = {
  EC: ['ES256'],
  OKP: ['EdDSA'],
  RSA: ['RS256', 'PS256'],
};

function checkKey(jwk: PublicJwk, where: string): void {
  const { kty, crv, alg } = jwk;
  const curve = { EC: 'P-256', OKP: 'Ed25519', RSA: undefined }[kty];
  if (crv !== curve)
    throw new Error(`${where} of type ${kty} must have ${curve === undefined ? 'no crv' : `the crv ${curve}`}.`);
  if (alg !== undefined && !algorithms[kty].includes(alg)) {
    throw new Error(`${where} of type ${kty} cannot have the alg ${alg}: it is for ${algorithms[kty].join(' or ')}.`);
  }
  let bits: number | undefined;
  try {
    bits = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' }).asymmetricKeyDetails?.modulusLength;
  } catch {
    throw new Error(`${where} is no public key of type ${kty}.`);
  }
  if (kty === 'RSA' && (bits ?? 0) < rsaBitsMin)
    throw new Error(`${where} has ${bits} bits: make an RSA key of ${rsaBitsMin} or more.`);
}

function sentence(error: ErrorObject | undefined): string {
  const { instancePath = '', keyword, message, params } = error ?? {};
  const { additionalProperty } = (params ?? {}) as { additionalProperty?: string };
  const where = instancePath === '' ? 'The declaration' : instancePath.slice(1).replaceAll('/', '.');
  if (keyword === 'additionalProperties') {
    const isPrivate = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'].includes(additionalProperty ?? '');
    return isPrivate
      ? `${where} has the member ${additionalProperty} of a private key: only the public half belongs here, and this key is to be replaced.`
      : `${where} must not have the member ${JSON.stringify(additionalProperty).slice(0, 80)}.`;
  }
  return `${where} ${message ?? 'is not valid'}.`;
}

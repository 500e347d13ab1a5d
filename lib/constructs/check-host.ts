import * as cdk from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { isLiteral, shown } from './check-props.ts';
import { synthError } from './synth-error.ts';

const hostName = /^(?=.{1,128}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/;

/** Throws unless `host` is a host name as certificates, rules and URLs all write it; gives it back. Only the deployment knows a token. */
export function checkHost(scope: IConstruct, prop: string, host: string): string {
  if (cdk.Token.isUnresolved(host) || isLiteral(host, hostName)) return host;
  throw synthError(
    scope,
    `${prop} is ${shown(host)}: give a host name in lower case with at least two labels, e.g. tools.example.com, without https:// and port`,
  );
}

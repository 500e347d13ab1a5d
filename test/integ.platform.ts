// A platform and a tool server in a real account, in the form of integ-runner. It costs money while it stands and takes about half an hour:
//
//   npm install --no-save @aws-cdk/integ-tests-alpha @aws-cdk/integ-runner
//   TOOLGATE_DOMAIN=it.example.com TOOLGATE_HOSTED_ZONE_ID=Z... npx integ-runner --directory test --app 'node {filePath}' --update-on-failed
//
// It shows what no emulator does: that certificate, records, services and registration come up, and how the door answers strangers.
import { fileURLToPath } from 'node:url';
import * as cdk from 'aws-cdk-lib';
import { readDeploymentSettings } from '../bin/deployment-settings.ts';
import { referenceDeployment } from '../bin/reference-deployment.ts';

/** As much of `@aws-cdk/integ-tests-alpha` as is used; it is no dependency, because only who has an account needs it. */
interface IntegTests {
  readonly IntegTest: new (
    app: cdk.App,
    id: string,
    props: { testCases: cdk.Stack[] },
  ) => {
    readonly assertions: {
      httpApiCall(url: string, options?: object): Assertion;
      awsApiCall(service: string, action: string, parameters: object): Assertion;
    };
  };
  readonly ExpectedResult: { objectLike(expected: object): unknown };
}

interface Assertion {
  expect(expected: unknown): Assertion;
  next(assertion: Assertion): Assertion;
  waitForAssertions(options: { totalTimeout: cdk.Duration; interval: cdk.Duration }): Assertion;
}

const integTests: string = '@aws-cdk/integ-tests-alpha';
const { IntegTest, ExpectedResult }: IntegTests = await import(integTests).catch((cause: unknown) => {
  throw new Error(`${integTests} is not installed: npm install --no-save ${integTests} @aws-cdk/integ-runner`, {
    cause,
  });
});

const app = new cdk.App();
const root = fileURLToPath(new URL('..', import.meta.url));
const settings = { ...readDeploymentSettings(app, process.env, root), platformName: 'integ', isDev: true };
referenceDeployment(app, settings);

const stacks = app.node.children.filter((child) => cdk.Stack.isStack(child));
const { assertions } = new IntegTest(app, 'Platform', { testCases: stacks });
const gateway = `https://mcp.${settings.domainName}`;
const patience = { totalTimeout: cdk.Duration.minutes(10), interval: cdk.Duration.seconds(15) };

// A stranger is told where to get a token: the answer is the gateway's own, through the load balancer.
assertions
  .httpApiCall(`${gateway}/mcp`, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } })
  .expect(ExpectedResult.objectLike({ status: 401 }))
  .waitForAssertions(patience)
  .next(
    assertions.httpApiCall(`${gateway}/.well-known/oauth-protected-resource/mcp`).expect(
      ExpectedResult.objectLike({
        status: 200,
        body: { authorization_servers: [`https://id.${settings.domainName}`] },
      }),
    ),
  )
  .next(
    assertions
      .httpApiCall(`https://id.${settings.domainName}/.well-known/oauth-authorization-server`)
      .expect(ExpectedResult.objectLike({ status: 200, body: { code_challenge_methods_supported: ['S256'] } })),
  );

// The registry asked the server and took it: its version is in the catalogue.
assertions
  .awsApiCall('DynamoDB', 'query', {
    TableName: 'toolgate-integ-catalogue',
    KeyConditionExpression: 'pk = :pk',
    ExpressionAttributeValues: { ':pk': { S: 'server' } },
  })
  .expect(ExpectedResult.objectLike({ Count: 2 }))
  .waitForAssertions(patience);

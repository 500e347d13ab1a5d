// A platform team's app in plain JavaScript.
const { App, Stack } = require('aws-cdk-lib');
const { Certificate } = require('aws-cdk-lib/aws-certificatemanager');
const { McpPlatform } = require('toolgate');

const app = new App();
const stack = new Stack(app, 'Platform');
new McpPlatform(stack, 'Platform', {
  platformName: 'prod',
  domainName: 'example.com',
  tenantsPath: 'tenants.json',
  policyVersion: 1,
  certificate: Certificate.fromCertificateArn(
    stack,
    'Certificate',
    'arn:aws:acm:us-east-1:111122223333:certificate/11111111-2222-3333-4444-555555555555',
  ),
});

/**
 * The name of a person or client of a foreign issuer: `cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbC|0a1b…`. A subject is unique
 * at its issuer only (OpenID Connect Core § 2), and one person must have one name here however they came in: nobody approves their own call.
 */
export function namespacedSubject(issuer: string, subject: string): string {
  return `${issuer.replace(/^https?:\/\//, '')}|${subject}`;
}

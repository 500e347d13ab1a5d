/** A person as tokens describe one. */
export interface Account {
  /** `sub` of the tokens. */
  readonly subject: string;
  readonly displayName: string;
  readonly tenant: string;
  readonly roles: readonly string[];
  /** Only one that the organisation has confirmed. */
  readonly email?: string;
}

/** A person anybody may sign in as, on a laptop. */
export interface SampleUser extends Account {
  readonly name: string;
  readonly email: string;
  readonly role: string;
  /** One clause for the chooser. */
  readonly about: string;
}

/** The sample users: two tenants, so that walls between tenants can be seen. */
export const sampleUsers: readonly SampleUser[] = [
  sampleUser('alice', 'Alice', 'acme', 'reader', 'reads data'),
  sampleUser('oscar', 'Oscar', 'acme', 'operator', 'reads data and asks for changes'),
  sampleUser('ada', 'Ada', 'acme', 'approver', 'says yes or no to changes that others ask for'),
  sampleUser('pat', 'Pat', 'acme', 'platform-admin', 'runs the platform'),
  sampleUser('bob', 'Bob', 'globex', 'reader', 'reads data'),
  sampleUser('gina', 'Gina', 'globex', 'operator', 'reads data and asks for changes'),
];

function sampleUser(name: string, displayName: string, tenant: string, role: string, about: string): SampleUser {
  const email = `${name}@${tenant}.example`;
  return { name, subject: name, displayName, tenant, role, roles: [role], about, email };
}

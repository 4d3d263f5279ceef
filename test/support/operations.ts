/** The operations that need PostgreSQL to answer, and the pages: for tests that hold all of them to one rule. */
import { EVERY_OPERATION, type OperationUnderTest } from '../operations.ts'

const asksPostgres = ({ limits }: OperationUnderTest) => limits.withoutPostgres !== 'unused'

/** The administrator's are of `client.newAdmin()`. Not `readyz`, which reports a failure instead of failing. */
export const OPERATIONS: readonly OperationUnderTest[] = EVERY_OPERATION.filter(
  (operation) => !operation.isPage && operation.id !== 'readyz' && asksPostgres(operation),
)

/** What a browser is shown and posts; test/pages holds them to what every page must be. */
export const PAGES: readonly OperationUnderTest[] = EVERY_OPERATION.filter(({ isPage }) => isPage)

/** Those that serve no tenant. */
export const WITHOUT_TENANT: readonly OperationUnderTest[] = EVERY_OPERATION.filter(
  (operation) => operation.id === 'readyz' || !asksPostgres(operation),
)

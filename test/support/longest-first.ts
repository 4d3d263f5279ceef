/** The order of test files: those that take longest begin first, or the last of them would keep one core alone. */
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Measured by themselves, on two quiet cores; a file that is not here goes by its size. */
const LONGEST = [
  'test/faults/matrix.test.ts',
  'test/cases/a-tokens.test.ts',
  'test/passwords/imported-hash.test.ts',
  'test/pages/browser.test.ts',
  'test/ops/import.test.ts',
  'test/faults/lost-answers.test.ts',
  'test/cases/n-errors.test.ts',
  'test/dev/neon-endpoint.test.ts',
  'test/limits/fallback.test.ts',
  'test/crypto/foreign-hash.workerd.test.ts',
  'test/storage/deadlines.test.ts',
  'test/webhooks/claims.test.ts',
  'test/limits/session.test.ts',
  'test/ops/local-stack.test.ts',
  'test/keys/steps.test.ts',
  'test/keys/under-load.test.ts',
]

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const at = LONGEST.findIndex((file) => moduleId.endsWith(`/${file}`))
      return at < 0 ? LONGEST.length : at
    }
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b))
  }
}

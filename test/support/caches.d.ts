/** The platform's, which no test has: as far as the service's own functions that tests call name it. */
declare const caches: {
  default: {
    match(key: string): Promise<Response | undefined>
    put(key: string, response: Response): Promise<void>
  }
}

/**
 * Password hashes that other systems published in their own tests, each with its password. `VECTORS` are those that were
 * made here, with Python's hashlib and Node's crypto, for what no one published; each says how it is unusual.
 */
export type Vector = [form: string, password: string, hash: string]

const MY_PASSWORD = 'my password'
const LETMEIN = 'lètmein'

export const PUBLISHED: Vector[] = [
  // django/django, tests/auth_tests/test_hashers.py
  ['Django’s PBKDF2', LETMEIN, 'pbkdf2_sha256$390000$seasalt$8xBlGd3jVgvJ+92hWPxi5ww0uuAuAnKgC45eudxro7c='],
  [
    'Django’s scrypt',
    LETMEIN,
    'scrypt$16384$seasalt$8$1$Qj3+9PPyRjSJIebHnG81TMjsqtaIGxNQG/aEB/NYafTJ7tibgfYz71m0ldQESkXFRkdVCBhhY8mx7rQwite/Pw==',
  ],
  [
    'Django’s Argon2id, in 100 MiB',
    'secret',
    'argon2$argon2id$v=19$m=102400,t=2,p=8$Y041dExhNkljRUUy$TMa6A8fPJhCAUXRhJXCXdw',
  ],
  ['Django’s Argon2i', 'secret', 'argon2$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$YC9+jJCrQhs5R6db7LlN8Q'],
  // Racum/rust-djangohashers, tests/lib.rs, and a published Django project
  [
    'Django’s bcrypt over SHA-256',
    'password',
    'bcrypt_sha256$$2b$12$VADBCPlCt0wMa2zjUgaXl.jnrvoNt/kgjtRY7i./fo0V2IEp1l6f2',
  ],
  // dotnet/aspnetcore, src/Identity/test/Identity.Test/PasswordHasherTest.cs
  ['ASP.NET Identity 2', MY_PASSWORD, 'ANXrDknc7fGPpigibZXXZFMX4aoqz44JveK6jQuwY3eH/UyPhvr5xTPeGYEckLxz9A=='],
  [
    'ASP.NET Identity 3 with SHA-256',
    MY_PASSWORD,
    'AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg+yWU7rLgUwPZb1Itsmra7cbxw2EFpwpVFIEtP+JIuUEw==',
  ],
  [
    'ASP.NET Identity 3 with SHA-256 of 250,000',
    MY_PASSWORD,
    'AQAAAAEAA9CQAAAAIESkQuj2Du8Y+kbc5lcN/W/3NiAZFEm11P27nrSN5/tId+bR1SwV8CO1Jd72r4C08OLvplNlCDc3oQZ8efcW+jQ=',
  ],
  [
    'ASP.NET Identity 3 with SHA-512, a hash of 16 bytes',
    MY_PASSWORD,
    'AQAAAAIAAAAyAAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw',
  ],
  [
    'ASP.NET Identity 3 with SHA-512, a hash of 64 bytes',
    MY_PASSWORD,
    'AQAAAAIAAAD6AAAAIJbVi5wbMR+htSfFp8fTw8N8GOS/Sje+S/4YZcgBfU7EQuqv4OkVYmc4VJl9AGZzmRTxSkP7LtVi9IWyUxX8IAAfZ8v+ZfhjCcudtC1YERSqE1OEdXLW9VukPuJWBBjLuw==',
  ],
  [
    'ASP.NET Identity 3 with SHA-1',
    MY_PASSWORD,
    'AQAAAAAAAAD6AAAAEAhftMyfTJylOlZT+eEotFXd1elee8ih5WsjXaR3PA9M',
  ],
  // ory/kratos, hash/hasher_test.go
  [
    'Ory’s PBKDF2-SHA-256',
    'test',
    '$pbkdf2-sha256$i=100000,l=32$1jP+5Zxpxgtee/iPxGgOz0RfE9/KJuDElP1ley4VxXc$QJxzfvdbHYBpydCbHoFg3GJEqMFULwskiuqiJctoYpI',
  ],
  [
    'Ory’s PBKDF2-SHA-512',
    'test',
    '$pbkdf2-sha512$i=100000,l=32$bdHBpn7OWOivJMVJypy2UqR0UnaD5prQXRZevj/05YU$+wArTfv1a+bNGO1iZrmEdVjhA+lL11wF4/IxpgYfPwc',
  ],
  [
    'Ory’s scrypt',
    'test',
    '$scrypt$ln=16384,r=8,p=1$2npRo7P03Mt8keSoMbyD/tKFWyUzjiQf2svUaNDSrhA=$MiCzNcIplSMqSBrm4HckjYqYhaVPPjTARTzwB1cVNYE=',
  ],
  // passlib, tests/test_handlers_bcrypt.py
  [
    'passlib’s bcrypt over SHA-256',
    'password',
    '$bcrypt-sha256$2b,5$5Hg1DKFqPE8C2aflZ5vVoe$12BjNE0p7axMg55.Y/mHsYiVuFBDQyu',
  ],
  [
    'passlib’s bcrypt over HMAC',
    'password',
    '$bcrypt-sha256$v=2,t=2b,r=5$5Hg1DKFqPE8C2aflZ5vVoe$wOK1VFFtS8IGTrGa7.h5fs0u84qyPbS',
  ],
  [
    'passlib’s bcrypt over HMAC, of 75 bytes',
    `${'abc123'.repeat(12)}qwr`,
    '$bcrypt-sha256$v=2,t=2b,r=5$X1g1nh3g0v4h6970O68cxe$CBF9csfEdW68xv3DwE6xSULXMtqEFP.',
  ],
  // Flask programs that publish a hash with its password
  [
    'Werkzeug’s scrypt',
    '123456',
    'scrypt:32768:8:1$yvEVXgVQfLiMO5Ft$fd7571ea830ceaad17d20e23fbc3e618d69d1059a66335bdd75e2e67b6db38d6b18f919a2e5992772b554197bf49fc687254b3ccdb463e4d70df4eecccd80a05',
  ],
  // A build script of WordPress in WebAssembly, in which PHP's password_verify checks it
  ['WordPress 6.8', 'admin', '$wp$2y$10$Q1xinFjrZeLWJBvxviIL6u834Fu.evIEFHAUVisQ5O.w9Dm0sMdES'],
]

const SALT = 'Y0ea1poJCyWCd+yPum+ZQQ'
/** The bytes 0 to 99. */
const SALT_100 =
  'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYGFiYw'
const LATIN = 'correct horse'

export const VECTORS: Vector[] = [
  [
    'Keycloak 23’s PBKDF2, a value of 64 bytes',
    LATIN,
    `$pbkdf2-sha256$i=27500$${SALT}$0rHIlgn7gfJvwJtwO43NX/SprBsc9WH91lViyT0hBfXqTUpsr4xZ3n8sygyWukPbRQEmCV1vwdGPLyNlJQPdOQ`,
  ],
  [
    'PBKDF2-SHA-1, a value of 40 bytes',
    LATIN,
    `$pbkdf2$1000$${SALT}$yHU1ea5vTbPOizAp0HTddHAb/q+MH8dUOtFqUpUZoktl+ykqXz3lrg`,
  ],
  [
    'PBKDF2-SHA-1 beyond the platform’s own',
    LATIN,
    `$pbkdf2-sha1$i=130000$${SALT}$V8B1x/wzoqjQXHl9xaMuQGuRvxk`,
  ],
  [
    'PBKDF2-SHA-512, a salt of 100 bytes and a value of 128',
    LATIN,
    `$pbkdf2-sha512$i=1000$${SALT_100}$o6RC7ronZX8rOUWK7LSASTO+BHdjRueWPMoTh2tH5z9EgoS4Rd8XbkUevMxduOqYY/SM1No8zi9YqgpYcL98cMQc3IgLb0uS0ZUxBWe0jUlDPl5ZlAhqnzoaO/oD8lyfkwrYV1HR/Btp8gJ+XcrnzOkAkMo1pntEjMvGLs63lXc`,
  ],
  [
    'scrypt, a salt of 100 bytes and a tag of 128',
    LATIN,
    `$scrypt$ln=10,r=8,p=1$${SALT_100}$QJ3DPXXf1ecHbzlccvl9k+NErQDtYWoLk7IDorl7dj8HSyWM8on/nzF4ZBlavi8MX7VOmzzm7KSE7A1xdgIubT7lP0VTEdDRO3usFcqm+rSsYKHTeZssTpdXZIJNk/unZYUaH1fOGfulPGEAQOU03/JWg0GEgG/EzzMeEC/pbt4`,
  ],
  ['scrypt, a salt of 4 bytes and a tag of 8', LATIN, '$scrypt$ln=10,r=8,p=1$MDEyMw$M6hD6Og8CEk'],
  [
    'Argon2id, a salt of 100 bytes and a tag of 128',
    LATIN,
    `$argon2id$v=19$m=64,t=2,p=1$${SALT_100}$moJwEpnuLg9UM8byCPQEyXmAAnEtxRptWWHQfmAY7hG5aY3o/xy7sw8AsG3TeZ0HGv8/We7XjK/4Kl9yVDw8EzJ70Liv0ZMeGoZAsvSeAW1+HZYhDR99vW6ZvKPWDDkGWkmnmH0nw8o0OJihnVo6aM51v2CUE9MW+YDc9gdFJCs`,
  ],
  [
    'Werkzeug’s PBKDF2',
    'default',
    'pbkdf2:sha256:50000$Xz9bcHkF$c7550a734e8c514c4f46712fadf6397c885e3ed4ca30b3482e10fc109b91b86b',
  ],
]

/** `café au lait`, as two systems hashed it: one its composed form, one with the accent by itself. */
export const NFC_HASH = `$pbkdf2-sha256$i=1000$${SALT}$YibOBzPx57oUVxdbwaX8Pj7NyAh++KNqiWfXb6dJKcs`
export const NFD_HASH = `$pbkdf2-sha256$i=1000$${SALT}$dNSleJApyZBsqqW5hiNgeN+oWQqZM2NWQtF3ia61EKY`

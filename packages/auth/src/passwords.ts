export {
  type Argon2Cost,
  Argon2Passwords,
  type Argon2PasswordsOptions,
  MIN_ARGON2,
} from './passwords/argon2-passwords.js'
export { commonPasswords } from './passwords/common-passwords.js'
export { checkPassword, MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH } from './passwords/policy.js'

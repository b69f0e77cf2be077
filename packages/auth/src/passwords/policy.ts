import { PasswordRefusedError } from '../errors.js'
import { commonPasswords } from './common-passwords.js'

/** Lengths in characters (code points): as many as people write, not as many as a hash could use. */
export const MIN_PASSWORD_LENGTH = 12
/** The longest password, in characters: hashing is never given more. */
export const MAX_PASSWORD_LENGTH = 1_024

const MIN_NAME_LENGTH = 4
const NONE: ReadonlySet<string> = new Set()

// What a listed word may have around it and still be one of the first guesses.
const MAX_AFFIX_LENGTH = 8
const MIN_WORD_LENGTH = 4

/**
 * Length, and nothing that is guessed first: no rules on which characters (NIST SP 800-63B, OWASP ASVS 6.2).
 * @param more a longer list in lower case, beside the one that is built in
 * @throws PasswordRefusedError
 */
export function checkPassword(password: string, user: string, more: ReadonlySet<string> = NONE): void {
  const length = [...password].length
  if (length < MIN_PASSWORD_LENGTH) refuse('too-short', `a password has at least ${MIN_PASSWORD_LENGTH} characters`)
  if (length > MAX_PASSWORD_LENGTH) refuse('too-long', `a password has at most ${MAX_PASSWORD_LENGTH} characters`)
  const plain = password.toLowerCase()
  if (isCommon(plain) || isListed(plain, more)) refuse('common', 'this password is among those that are guessed first')
  if (user.length >= MIN_NAME_LENGTH && essence(plain) === essence(user)) {
    refuse('user-name', 'a password must not be the user name')
  }
}

/** On a long list of words: there, or there but for a few digits and signs around, for a disguise, or for being said again. */
function isListed(plain: string, list: ReadonlySet<string>): boolean {
  if (list.size === 0) return false
  const core = essence(plain)
  const isWord = core.length >= MIN_WORD_LENGTH && plain.length - core.length <= MAX_AFFIX_LENGTH
  return (
    list.has(plain) ||
    list.has(repeatedUnit(plain) ?? '') ||
    (isWord && (list.has(core) || list.has(withoutDisguise(core)) || list.has(repeatedUnit(core) ?? '')))
  )
}

/** On the list, on it but for digits and signs around, a repetition of something short or listed, or a run of neighbours. */
function isCommon(plain: string): boolean {
  const core = essence(plain)
  const unit = repeatedUnit(plain)
  return (
    commonPasswords.has(plain) ||
    commonPasswords.has(core) ||
    commonPasswords.has(withoutDisguise(core)) ||
    (unit !== undefined && (unit.length <= 4 || commonPasswords.has(unit) || commonPasswords.has(essence(unit)))) ||
    isRun(plain)
  )
}

/** Without digits and signs at both ends. */
function essence(text: string): string {
  return text.replace(/^[^\p{L}]{0,64}/u, '').replace(/[^\p{L}]{1,64}$/u, '')
}

const DISGUISES: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
  '!': 'i',
}

function withoutDisguise(text: string): string {
  return text.replaceAll(/[013457@$!]/g, (character) => DISGUISES[character] ?? character)
}

function repeatedUnit(text: string): string | undefined {
  const period = (text + text).indexOf(text, 1)
  return period < text.length ? text.slice(0, period) : undefined
}

/** `abcdefghijkl`, `987654321098`: each character next to the one before, going one way (after 9 comes 0). */
function isRun(text: string): boolean {
  return [1, -1].some((step) =>
    [...text].every((character, index) => {
      const before = text.charCodeAt(index - 1)
      if (index === 0) return true
      const follows = character.charCodeAt(0) - before
      return follows === step || (step === 1 ? follows === -9 && character === '0' : follows === 9 && character === '9')
    }),
  )
}

function refuse(problem: PasswordRefusedError['problem'], message: string): never {
  throw new PasswordRefusedError(problem, message)
}

import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { joinCommand, splitCommand } from '../src/index.js'

describe('splitCommand', () => {
  it.each([
    ['python server.py', ['python', 'server.py']],
    ['  a \t b\nc ', ['a', 'b', 'c']],
    ['a "b c" \'d "e\'', ['a', 'b c', 'd "e']],
    ['a "" \'\'', ['a', '', '']],
    ['a"b"\'c\'d', ['abcd']],
    ['a "b \\" \\\\ \\n"', ['a', 'b " \\ \\n']],
    ["a 'b \\'", ['a', 'b \\']],
    ['a\\ b \\" \\\\', ['a b', '"', '\\']],
    ['C:\\tools\\run.exe x\\', ['C:\\tools\\run.exe', 'x\\']],
    ['a $HOME * | ; && `b` $(c) > d', ['a', '$HOME', '*', '|', ';', '&&', '`b`', '$(c)', '>', 'd']],
  ])('splits %p', (text, words) => {
    expect(splitCommand(text)).toEqual({ words })
  })

  it.each([
    ['a "b', 'has a " that is never closed'],
    ["it's", "has a ' that is never closed"],
    ['a "b\\"', 'has a " that is never closed'],
    ['', 'must not be empty'],
    [' \n', 'must not be empty'],
    ['"" a', 'must begin with the name of a program'],
    ['a\0b', 'must not hold a NUL character'],
  ])('refuses %p', (text, fault) => {
    expect(splitCommand(text)).toEqual({ fault })
  })

  it('takes apart what joinCommand put together', () => {
    const word = fc.string({ unit: fc.constantFrom('a', ' ', '"', "'", '\\', '\n', '$', 'é') })
    fc.assert(
      fc.property(fc.array(word, { minLength: 1 }), (rest) => {
        const words = ['program', ...rest]
        expect(splitCommand(joinCommand(words))).toEqual({ words })
      }),
    )
  })
})

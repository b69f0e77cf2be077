import { describe, expect, it } from '@jest/globals'
import { challengeText, protectedResourceMetadata, resourceMetadataUrl } from '../src/index.js'

describe('protected resource metadata', () => {
  it('lies between host and path', () => {
    expect(resourceMetadataUrl('https://gw.example/mcp/fs')).toBe(
      'https://gw.example/.well-known/oauth-protected-resource/mcp/fs',
    )
    for (const resource of ['https://gw.example', 'https://gw.example/']) {
      expect(resourceMetadataUrl(resource)).toBe('https://gw.example/.well-known/oauth-protected-resource')
    }
  })

  it('says what is known, and nothing that is not', () => {
    expect(protectedResourceMetadata({ resource: 'https://gw.example/mcp', scopes: ['tools:read'] })).toEqual({
      resource: 'https://gw.example/mcp',
      scopes_supported: ['tools:read'],
      bearer_methods_supported: ['header'],
    })
    const full = {
      resource: 'https://gw.example',
      scopes: [],
      authorizationServers: ['https://idp'],
      jwksUri: 'https://gw.example/jwks',
      name: 'n',
      documentation: 'https://d',
    }
    expect(protectedResourceMetadata(full)).toMatchObject({
      authorization_servers: ['https://idp'],
      jwks_uri: 'https://gw.example/jwks',
      resource_name: 'n',
    })
  })

  it.each([
    '',
    'gw.example',
    'ftp://gw.example',
    'https://gw.example/#x',
    'https://gw.example/?a=1',
    'https://u:p@gw.example',
  ])('is not of %j', (resource) => {
    expect(() => resourceMetadataUrl(resource)).toThrow(RangeError)
    expect(() => protectedResourceMetadata({ resource, scopes: [] })).toThrow(RangeError)
  })
})

describe('a challenge', () => {
  it('names realm, error, scopes and metadata', () => {
    expect(challengeText({})).toBe('Bearer realm="mcp-gateway"')
    const challenge = {
      error: 'insufficient_scope',
      description: 'more',
      scopes: ['tools:read', 'tools:call'],
      resourceMetadata: 'https://gw.example/x',
    } as const
    expect(challengeText(challenge)).toBe(
      'Bearer realm="mcp-gateway", error="insufficient_scope", error_description="more", scope="tools:read tools:call", resource_metadata="https://gw.example/x"',
    )
  })

  it('cannot be broken out of', () => {
    const text = challengeText({ realm: 'a"b\\c\r\nSet-Cookie: x=1é', description: '", error="x' })
    expect(text).toBe(`Bearer realm="a'b'c??Set-Cookie: x=1?", error_description="', error='x"`)
  })
})

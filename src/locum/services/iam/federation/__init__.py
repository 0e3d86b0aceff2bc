"""Identity federation: OIDC and SAML providers of an account, and the tokens that it issues itself."""

"""Only a folder: what lies beside this file is injected into the user's test environment, never imported from here."""

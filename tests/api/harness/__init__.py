"""What the API tests share: the stack they run against, a client that holds every answer against openapi.yaml, users."""

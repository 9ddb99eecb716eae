"""docs/openapi.yaml, made of the template, the models and the errors."""

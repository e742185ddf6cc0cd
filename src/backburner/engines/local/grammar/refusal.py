"""What is said of a schema that no grammar is made from."""


class WrongSchema(Exception):
    """A schema that is not one, that nothing satisfies, or that asks for what cannot be enforced."""

"""The commands, by what they are about. Each calls one function; heavy imports happen inside."""

// Gives the precompiled headers a library to live in.

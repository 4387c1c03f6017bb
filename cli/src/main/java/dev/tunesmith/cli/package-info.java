/// The command `tunesmith` against a running server: what the API can do, from a shell or a
/// pipeline. Start at [dev.tunesmith.cli.Main]; a command is a class, [dev.tunesmith.cli.Api] is
/// the only one that speaks HTTP, and [dev.tunesmith.cli.ExitCode] is part of the stable interface.
/// Data goes to stdout, progress to stderr.
@org.jspecify.annotations.NullMarked
package dev.tunesmith.cli;

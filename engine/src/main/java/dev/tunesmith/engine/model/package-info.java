/// Models: a `config.json` becomes an [dev.tunesmith.engine.model.Architecture], and that becomes
/// the one [dev.tunesmith.engine.model.Decoder].
///
/// Only this package knows the names of models. Adding a family means adding a reader of its
/// configuration to [dev.tunesmith.engine.model.Families] and a fixture, not a class of layers.
@NullMarked
package dev.tunesmith.engine.model;

import org.jspecify.annotations.NullMarked;

/// What trains: all weights, some of them, or an adapter beside them; and how it is written.
///
/// [dev.tunesmith.engine.loop.subject.TrainedAdapter] and
/// [dev.tunesmith.engine.loop.subject.TrainedPart] make what a job asks for out of a model that was
/// read; whatever the model cannot do is refused by
/// [dev.tunesmith.engine.loop.subject.SpecRefusedException] before anything trains.
@org.jspecify.annotations.NullMarked
package dev.tunesmith.engine.loop.subject;

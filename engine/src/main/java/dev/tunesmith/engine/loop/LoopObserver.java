package dev.tunesmith.engine.loop;

/// Who watches a run: hears its reports, keeps its checkpoints and may end it.
///
/// All calls come from the thread of the loop, which waits for them.
public interface LoopObserver {

    /// How a run is asked to end.
    enum Stop {
        /// Go on.
        NO,
        /// Save a checkpoint, then end.
        AFTER_SAVING,
        /// End at once.
        AT_ONCE
    }

    /// Asked before every part of a step, so that the answer takes effect within one part.
    Stop stopAsked();

    /// A step is done.
    void stepped(StepReport report);

    /// The numbers of a step failed, and the run goes on.
    default void guarded(Incident incident) {
        // Only who tells people about a run needs to know.
    }

    /// An evaluation begins.
    void evaluating(int step);

    /// An evaluation is done.
    void evaluated(Evaluation evaluation);

    /// Seconds of a processor that a checkpoint takes beside the training, as far as is known;
    /// endless while one is under way.
    default double savingSeconds() {
        return 0;
    }

    /// Keeps the state as a checkpoint. The tensors stand still until this returns.
    void save(LoopState state);
}

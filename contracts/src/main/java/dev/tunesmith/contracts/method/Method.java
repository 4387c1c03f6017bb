package dev.tunesmith.contracts.method;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/// A training method; the wire form is `method.type` of the create body.
public enum Method {
    SUPERVISED,
    PRETRAIN,
    DPO,
    REWARD_MODEL,
    ORPO,
    SIMPO,
    CPO,
    PPO,
    KTO,
    GRPO,
    DR_GRPO,
    DAPO,
    GSPO,
    RLOO,
    REINFORCE_PLUS_PLUS,
    /// OpenAI's reinforcement fine-tuning: GRPO under that name.
    REINFORCEMENT,
    DISTILL;

    /// What a row of a training file has to hold.
    public enum RowKind {
        /// A conversation with answers to learn.
        CONVERSATION,
        /// A document.
        DOCUMENT,
        /// A prompt with a better and a worse answer.
        PAIR,
        /// A prompt with an answer and a verdict on it.
        JUDGED,
        /// A prompt that the model itself answers, with whatever a grader needs.
        PROMPT
    }

    @JsonCreator
    public static Method of(String wire) {
        return valueOf(wire.toUpperCase(Locale.ROOT));
    }

    @JsonValue
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    public RowKind rowKind() {
        return switch (this) {
            case SUPERVISED, DISTILL -> RowKind.CONVERSATION;
            case PRETRAIN -> RowKind.DOCUMENT;
            case DPO, REWARD_MODEL, ORPO, SIMPO, CPO -> RowKind.PAIR;
            case PPO, GRPO, DR_GRPO, DAPO, GSPO, RLOO, REINFORCE_PLUS_PLUS, REINFORCEMENT ->
                    RowKind.PROMPT;
            case KTO -> RowKind.JUDGED;
        };
    }

    /// Documents that a row becomes: both answers of a pair are read with the prompt.
    public int documentsPerRow() {
        return rowKind() == RowKind.PAIR ? 2 : 1;
    }

    /// The settings of a job that asks for nothing.
    public MethodSettings defaults() {
        return switch (this) {
            case SUPERVISED -> MethodSettings.Supervised.USUAL;
            case PRETRAIN -> new MethodSettings.Pretrain();
            case ORPO, SIMPO, CPO -> MethodSettings.ReferenceFree.usual(this);
            case PPO -> MethodSettings.Ppo.usual(Grader.StringCheck.ANSWER_IS_REFERENCE);
            case GRPO, DR_GRPO, DAPO, GSPO, RLOO, REINFORCE_PLUS_PLUS, REINFORCEMENT ->
                    GroupSettings.usual(this, Grader.StringCheck.ANSWER_IS_REFERENCE);
            case DISTILL -> DistillSettings.USUAL;
            case KTO -> MethodSettings.Kto.USUAL;
            case REWARD_MODEL -> new MethodSettings.Reward(0);
            case DPO -> MethodSettings.Preference.dpo(MethodSettings.Preference.BETA);
        };
    }
}

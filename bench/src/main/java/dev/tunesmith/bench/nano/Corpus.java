package dev.tunesmith.bench.nano;

import dev.tunesmith.bench.nano.Topic.Question;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;

/// All that the model is taught and asked, made from the topic files by one seed.
///
/// Held-out questions, for the check and as many again for tuning, occur nowhere in `documents` or
/// `conversations`. Their facts do, in other words: what is tested is an unseen combination of a
/// fact and a way to ask.
///
/// @param documents texts for pre-training
/// @param conversations questions and answers for chat training, one list a conversation
/// @param practice the same, with more of what is learned last
/// @param check held out, to be reported
/// @param tuning held out, to be looked at while choosing sizes and rates
record Corpus(
        List<String> documents,
        List<List<Question>> conversations,
        List<List<Question>> practice,
        List<Question> check,
        List<Question> tuning) {

    private static final int SENTENCES_MAX = 8;
    private static final int CASUAL_ONE_IN = 8;

    /// Reads all topics of a folder, in the order of their names, and makes the corpus.
    static Corpus grow(Path topics, long seed) throws IOException {
        Random random = new Random(seed);
        List<Question> check = new ArrayList<>();
        List<Question> tuning = new ArrayList<>();
        List<Question> trained = new ArrayList<>();
        List<Question> practised = new ArrayList<>();
        List<String> facts = new ArrayList<>();
        for (Topic topic : Topic.readAll(topics)) {
            List<Question> questions = topic.questions();
            Collections.shuffle(questions, random);
            check.addAll(questions.subList(0, topic.check()));
            tuning.addAll(questions.subList(topic.check(), 2 * topic.check()));
            for (int i = 0; i < topic.weight().repeat(); i++) {
                trained.addAll(questions);
                facts.addAll(topic.facts());
            }
            for (int i = 0; i < topic.weight().practise(); i++) {
                practised.addAll(questions);
            }
        }
        Set<String> heldOut = new HashSet<>();
        check.forEach(question -> heldOut.add(question.question()));
        tuning.forEach(question -> heldOut.add(question.question()));
        trained.removeIf(question -> heldOut.contains(question.question()));
        practised.removeIf(question -> heldOut.contains(question.question()));
        Collections.shuffle(trained, random);
        Collections.shuffle(facts, random);
        List<String> documents = documents(facts, trained, random);
        List<List<Question>> conversations = conversations(trained, random);
        Collections.shuffle(practised, random);
        List<List<Question>> practice = conversations(practised, random);
        return new Corpus(documents, conversations, practice, check, tuning);
    }

    /// Paragraphs of statements and of questions with their answers.
    private static List<String> documents(
            List<String> facts, List<Question> questions, Random random) {
        List<String> sentences = new ArrayList<>(facts);
        questions.forEach(q -> sentences.add(q.question() + " " + q.answer()));
        Collections.shuffle(sentences, random);
        List<String> documents = new ArrayList<>();
        int at = 0;
        while (at < sentences.size()) {
            int end = Math.min(sentences.size(), at + 1 + random.nextInt(SENTENCES_MAX));
            documents.add(String.join("\n", sentences.subList(at, end)));
            at = end;
        }
        return documents;
    }

    /// Most conversations have one question, some two or three.
    private static List<List<Question>> conversations(List<Question> questions, Random random) {
        List<List<Question>> conversations = new ArrayList<>();
        int at = 0;
        while (at < questions.size()) {
            int die = random.nextInt(20);
            int turns = die < 14 ? 1 : die < 18 ? 2 : 3;
            int end = Math.min(questions.size(), at + turns);
            List<Question> conversation = new ArrayList<>();
            for (Question question : questions.subList(at, end)) {
                conversation.add(random.nextInt(CASUAL_ONE_IN) == 0 ? casual(question) : question);
            }
            conversations.add(conversation);
            at = end;
        }
        return conversations;
    }

    /// The question as hurried people type it: no capital, no mark at the end.
    private static Question casual(Question question) {
        String text = question.question().replaceAll("[.?!。？！]+$", "");
        return new Question(
                question.topic(),
                text.substring(0, 1).toLowerCase(Locale.ROOT) + text.substring(1),
                question.answer());
    }
}

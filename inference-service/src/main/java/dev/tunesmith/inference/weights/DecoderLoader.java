package dev.tunesmith.inference.weights;

import dev.tunesmith.contracts.chat.NamedTemplate;
import dev.tunesmith.contracts.chat.NamedTemplates;
import dev.tunesmith.contracts.fit.ModelFacts;
import dev.tunesmith.contracts.template.ChatOptions;
import dev.tunesmith.contracts.tool.ToolFormat;
import dev.tunesmith.engine.adapter.Adapter;
import dev.tunesmith.engine.adapter.FrozenBase;
import dev.tunesmith.engine.data.ChatEncoder;
import dev.tunesmith.engine.data.TemplateFormat;
import dev.tunesmith.engine.data.TextEncoder;
import dev.tunesmith.engine.decode.CacheRoom;
import dev.tunesmith.engine.decode.DecoderModel;
import dev.tunesmith.engine.decode.StopTokens;
import dev.tunesmith.engine.gguf.DecodingWeights;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.Architecture;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.model.ScoreHead;
import dev.tunesmith.engine.quant.FourBitFormat;
import dev.tunesmith.engine.tensor.Device;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.text.NamedFormat;
import dev.tunesmith.engine.text.Tokenizer;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Loads models into the engine's decoder, with weights of one type.
@Singleton
public final class DecoderLoader implements ModelLoader {
    private final int cacheTokens;
    private final DecodingWeights weights;

    @Inject
    DecoderLoader(ServingSettings settings) {
        this(settings.cacheTokens(), DecodingWeights.named(settings.weights()));
    }

    DecoderLoader(int cacheTokens, DecodingWeights weights) {
        this.cacheTokens = cacheTokens;
        this.weights = weights;
    }

    @Override
    public Loaded load(Path folder) throws IOException {
        ModelDirectory directory = ModelDirectory.open(folder);
        Path file =
                directory
                        .tokenizer()
                        .orElseThrow(() -> new IOException("the model has no tokenizer"));
        if (room().isLimited()) {
            room().requireWeights(ModelFacts.fromConfig(directory.config()));
        }
        Decoder decoder = Decoder.load(directory, weights.form(directory));
        try {
            int tokens = room().cacheTokens(cacheTokens, decoder.cacheBytesPerToken());
            return new LoadedDecoder(
                    directory, decoder, Tokenizer.open(file), new CacheRoom(decoder, tokens));
        } catch (IOException e) {
            decoder.close();
            throw e;
        }
    }

    private static DeviceRoom room() {
        return new DeviceRoom(Device.current().freeBytes());
    }

    private static final class LoadedDecoder implements Loaded {
        private final Decoder decoder;
        private final Tokenizer tokenizer;
        private final CacheRoom room;
        private final Set<Integer> stopTokens;
        private final ChatEncoder encoder;
        private final Optional<TextEncoder> documents;
        private final Optional<ToolFormat> calls;
        private final List<Adapter> adapters = new ArrayList<>();
        private final Map<FourBitFormat, Decoder> quantised = new HashMap<>();
        private final Region heads = Region.lasting("heads of reward models");
        private final ModelDirectory directory;
        private final Served plain;

        private LoadedDecoder(
                ModelDirectory directory, Decoder decoder, Tokenizer tokenizer, CacheRoom room) {
            this.directory = directory;
            this.decoder = decoder;
            this.tokenizer = tokenizer;
            this.room = room;
            this.stopTokens = StopTokens.of(directory, tokenizer);
            this.encoder =
                    new ChatEncoder(
                            tokenizer, TemplateFormat.of(directory, Clock.systemUTC()), sight());
            this.documents = TextEncoder.of(directory, tokenizer);
            this.calls = directory.chatTemplate().flatMap(LoadedDecoder::calls);
            this.plain = served(decoder, head(directory.path(), decoder));
        }

        private Served served(Decoder view, Optional<ScoreHead> head) {
            DecoderModel model = new DecoderModel(view, room);
            return new Served(
                    model, tokenizer, encoder, documents, calls, stopTokens, scorer(model, head));
        }

        /// The head of a reward model: in a file beside its weights, or a classifier's own.
        private Optional<ScoreHead> head(Path files, Decoder view) {
            Path file = files.resolve(ScoreHead.FILE);
            return Files.isRegularFile(file)
                    ? Optional.of(ScoreHead.load(file, heads))
                    : ScoreHead.of(view, heads);
        }

        private static Optional<Served.Scorer> scorer(
                DecoderModel model, Optional<ScoreHead> head) {
            return head.map(known -> tokens -> model.value(known, tokens));
        }

        /// How a model calls functions that has this template.
        private static Optional<ToolFormat> calls(String template) {
            return NamedTemplates.written(template)
                    .map(NamedTemplate::tools)
                    .or(() -> ToolFormat.shownBy(template));
        }

        private ChatEncoder.Sight sight() {
            return Architecture.sight(directory.config());
        }

        @Override
        public Served plain() {
            return plain;
        }

        @Override
        public Served with(Path folder) {
            Decoder base = FrozenBase.read(folder).map(this::quantised).orElse(decoder);
            Decoder view = base.share();
            adapters.add(Adapter.load(view, folder));
            Optional<ScoreHead> head = head(folder, view);
            Served served =
                    NamedFormat.beside(folder)
                            .map(own -> served(view, head, own))
                            .orElseGet(() -> served(view, head));
            return served.with(ChatOptions.of(ModelDirectory.chatVariables(folder)));
        }

        /// Served with the template that the adapter was trained with, whatever the model brings.
        private Served served(Decoder view, Optional<ScoreHead> head, String template) {
            Set<Integer> stops = StopTokens.of(directory, tokenizer, Optional.of(template));
            ChatEncoder own =
                    new ChatEncoder(
                            tokenizer,
                            TemplateFormat.of(directory, Clock.systemUTC(), Optional.of(template)),
                            sight());
            DecoderModel model = new DecoderModel(view, room);
            return new Served(
                    model, tokenizer, own, documents, calls(template), stops, scorer(model, head));
        }

        /// An adapter is served on the codes that it was trained on; it corrects their errors.
        private Decoder quantised(FourBitFormat format) {
            return quantised.computeIfAbsent(
                    format,
                    _ ->
                            Decoder.load(
                                    directory,
                                    new Decoder.Form(
                                            decoder.computeType(),
                                            Decoder.Loading.RESIDENT,
                                            Optional.of(format))));
        }

        @Override
        public void close() {
            adapters.forEach(Adapter::close);
            heads.close();
            room.close();
            quantised.values().forEach(Decoder::close);
            decoder.close();
            tokenizer.close();
        }
    }
}

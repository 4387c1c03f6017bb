package dev.tunesmith.engine.vision;

import dev.tunesmith.engine.data.ChatEncoder;
import dev.tunesmith.engine.data.Pictures;
import dev.tunesmith.engine.data.UnusableRowException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Conversations with pictures to tokens and patches.
///
/// Pictures are parts of a content, `{"type":"image_url","image_url":{"url":"data:…"}}`. The
/// template of the model writes one placeholder for each; the model takes one for each row that the
/// picture becomes.
public final class SeeingEncoder {

    private static final int PICTURES_MAX = 32;

    private final ChatEncoder encoder;
    private final Optional<Eyes> eyes;

    /// @param eyes empty for a model that reads text only
    public SeeingEncoder(ChatEncoder encoder, Optional<Eyes> eyes) {
        this.encoder = encoder;
        this.eyes = eyes;
    }

    /// Tokens, and the pictures at their placeholders.
    // Arrays: handed on to native code and never compared.
    @SuppressWarnings("ArrayRecordComponent")
    public record Seen(int[] ids, Pictures pictures) {}

    /// The tokens after which the model writes its answer.
    ///
    /// @throws UnusableRowException if the model cannot see a picture, or the template has no place
    ///   for it
    public Seen prompt(List<Map<String, Object>> messages, List<Map<String, Object>> tools) {
        List<Pictures> pictures = new ArrayList<>();
        List<Map<String, Object>> read = new ArrayList<>();
        for (int i = 0; i < messages.size(); i++) {
            read.add(withoutPictures(messages.get(i), "messages[%d]".formatted(i), pictures));
        }
        int[] ids = encoder.prompt(read, tools);
        if (pictures.isEmpty()) {
            return new Seen(ids, Pictures.NONE);
        }
        Pictures all = Pictures.joined(pictures);
        try {
            return new Seen(eyes.orElseThrow().spread(ids, all), all);
        } catch (IllegalArgumentException e) {
            throw new UnusableRowException(
                    "messages",
                    "the chat template of this model does not write a place for every picture: "
                            + e.getMessage());
        }
    }

    /// The message as templates want it, its pictures cut into patches.
    private Map<String, Object> withoutPictures(
            Map<String, Object> message, String place, List<Pictures> pictures) {
        if (!(message.get("content") instanceof List<?> parts)) {
            return message;
        }
        List<Object> read = new ArrayList<>();
        for (Object part : parts) {
            Optional<String> url = PictureUrl.of(part);
            url.ifPresent(address -> pictures.add(picture(address, place)));
            read.add(url.isPresent() ? Map.of("type", "image") : part);
        }
        if (pictures.size() > PICTURES_MAX) {
            throw new UnusableRowException(
                    place, "a conversation has at most %d pictures".formatted(PICTURES_MAX));
        }
        Map<String, Object> copy = new LinkedHashMap<>(message);
        copy.put("content", read);
        return copy;
    }

    private Pictures picture(String url, String place) {
        Eyes own =
                eyes.orElseThrow(() ->
                        new UnusableRowException(
                                place,
                                "this model does not see pictures; send text, or choose a"
                                        + " vision-language model"));
        try {
            return own.reader().read(PictureUrl.bytes(url));
        } catch (IOException e) {
            throw new UnusableRowException(place, String.valueOf(e.getMessage()));
        }
    }
}

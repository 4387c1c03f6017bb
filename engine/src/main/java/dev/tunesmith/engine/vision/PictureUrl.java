package dev.tunesmith.engine.vision;

import java.io.IOException;
import java.util.Base64;
import java.util.Map;

/// Pictures as parts of a content carry them: `data:` addresses. Others are never fetched.
final class PictureUrl {

    private static final String SCHEME = "data:image/";
    private static final String MARK = ";base64,";
    private static final int BYTES_MAX = 20 << 20;

    private PictureUrl() {}

    /// The address of a part that is a picture.
    static String of(Object part) {
        Map<?, ?> map = (Map<?, ?>) part;
        Object address = map.get("image_url") == null ? map.get("image") : map.get("image_url");
        return String.valueOf(address instanceof Map<?, ?> inner ? inner.get("url") : address);
    }

    /// The encoded picture.
    ///
    /// @throws IOException if it is no such address, or too long
    static byte[] bytes(String url) throws IOException {
        int mark = url.indexOf(MARK);
        if (!url.startsWith(SCHEME) || mark < 0) {
            throw new IOException(
                    "a picture must be a data address (data:image/png;base64,… or image/jpeg); other"
                            + " addresses are not fetched");
        }
        if (url.length() - mark > BYTES_MAX / 3 * 4L) {
            throw new IOException("a picture has at most %d MiB".formatted(BYTES_MAX >> 20));
        }
        try {
            return Base64.getDecoder().decode(url.substring(mark + MARK.length()));
        } catch (IllegalArgumentException e) {
            throw new IOException("a picture is not in Base64: " + e.getMessage(), e);
        }
    }
}

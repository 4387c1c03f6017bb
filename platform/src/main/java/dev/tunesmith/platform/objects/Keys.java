package dev.tunesmith.platform.objects;

import java.util.regex.Pattern;

/// What an object's key may look like. Keys are made by the platform from ids and hashes; a name
/// that a user typed is data and never becomes part of one.
final class Keys {
    private static final Pattern FORM = Pattern.compile("[A-Za-z0-9][A-Za-z0-9/._=+-]{0,899}");

    private Keys() {}

    static String checked(String key) {
        if (!FORM.matcher(key).matches() || key.contains("..") || key.contains("//")) {
            throw new IllegalArgumentException("not an object key: " + key);
        }
        return key;
    }
}

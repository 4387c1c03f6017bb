package dev.tunesmith.scheduler.queue;

import dev.tunesmith.contracts.event.Manifest;
import dev.tunesmith.contracts.event.ManifestRef;
import dev.tunesmith.contracts.id.Attempt;
import dev.tunesmith.platform.json.JsonException;
import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.platform.objects.ObjectStoreException;
import dev.tunesmith.platform.objects.PublishedManifest;
import dev.tunesmith.scheduler.lease.Leases;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Believes a manifest only after reading it: its hash, whose it is, and that every part is there.
public final class Manifests {
    /// Parts that one manifest may list; each costs a request.
    public static final int OBJECTS_MAX = 10_000;

    private final ObjectStore objects;

    public Manifests(ObjectStore objects) {
        this.objects = objects;
    }

    /// What became of a reported manifest.
    public sealed interface Check {

        record Good(Leases.Verified verified, Manifest manifest) implements Check {}

        /// It is there, and it is not what the report says.
        record Bad(String reason) implements Check {}
    }

    /// Reads the manifest and asks for every part.
    ///
    /// @param prefix of the job's objects: a manifest outside of it, or a part outside of the
    ///   manifest's own prefix, would hand one tenant's bytes to another
    /// @throws ObjectStoreException with `UNAVAILABLE` when the store cannot tell now
    public Check check(ManifestRef reference, Manifest.Kind kind, Attempt attempt, String prefix) {
        if (!reference.key().startsWith(prefix) || reference.key().contains("/../")) {
            return new Check.Bad(reference.key() + " is not below " + prefix);
        }
        try {
            return check(reference, PublishedManifest.read(objects, reference), kind, attempt);
        } catch (JsonException e) {
            return new Check.Bad(reference.key() + " is not a manifest: " + e.getMessage());
        } catch (ObjectStoreException e) {
            if (e.code() == ObjectStoreException.Code.UNAVAILABLE) {
                throw e;
            }
            return new Check.Bad(String.valueOf(e.getMessage()));
        }
    }

    private Check check(
            ManifestRef reference, Manifest manifest, Manifest.Kind kind, Attempt attempt) {
        List<String> problems = new ArrayList<>();
        if (manifest.formatVersion() != Manifest.VERSION) {
            problems.add("format version is " + manifest.formatVersion());
        }
        if (manifest.kind() != kind) {
            problems.add("kind is " + manifest.kind().wire() + ", expected " + kind.wire());
        }
        if (!attempt.equals(manifest.attempt())) {
            problems.add("written by " + manifest.attempt() + ", reported by " + attempt);
        }
        if (manifest.objects().isEmpty() || manifest.objects().size() > OBJECTS_MAX) {
            problems.add("lists " + manifest.objects().size() + " objects");
        } else {
            manifest.objects()
                    .forEach(part -> problem(part, reference.prefix()).ifPresent(problems::add));
        }
        return problems.isEmpty()
                ? new Check.Good(
                        new Leases.Verified(reference.key(), reference.sha256(), manifest.bytes()),
                        manifest)
                : new Check.Bad(reference.key() + ": " + String.join("; ", problems));
    }

    private Optional<String> problem(Manifest.Entry part, String prefix) {
        if (!part.key().startsWith(prefix) || part.key().contains("/../")) {
            return Optional.of(part.key() + " is not below " + prefix);
        }
        Optional<ObjectStore.Head> head = objects.head(part.key());
        if (head.isEmpty()) {
            return Optional.of(part.key() + " is missing");
        }
        return head.get().bytes() == part.bytes()
                ? Optional.empty()
                : Optional.of(
                        "%s has %d bytes, listed are %d"
                                .formatted(part.key(), head.get().bytes(), part.bytes()));
    }
}

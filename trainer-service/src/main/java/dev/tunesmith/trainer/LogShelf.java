package dev.tunesmith.trainer;

import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.platform.objects.ObjectStoreException;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Puts the log of an ended attempt where users and operators find it. A log that cannot be stored
/// is no reason to fail anything.
record LogShelf(ObjectStore objects) {
    private static final Logger log = LoggerFactory.getLogger(LogShelf.class);

    /// Name of the object below the attempt's log prefix.
    static final String NAME = "child.log";

    void keep(Run run) {
        try {
            run.jobLog().close();
            objects.put(run.logPrefix() + NAME, run.jobLog().file());
        } catch (IOException | ObjectStoreException e) {
            log.warn("the log of {} was not stored: {}", run.attempt(), e.getMessage());
        }
    }
}

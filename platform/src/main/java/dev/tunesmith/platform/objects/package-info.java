/// Immutable objects behind one port. [ObjectStore] is what the rest of the platform sees,
/// [S3Objects] talks to any S3 server, [DirectoryObjects] keeps the objects in a folder.
///
/// Every object is created once and never changed: which object is the latest is a row in
/// PostgreSQL. The SHA-256 is ours and travels in manifests; an ETag is never taken for a digest.
@NullMarked
package dev.tunesmith.platform.objects;

import org.jspecify.annotations.NullMarked;

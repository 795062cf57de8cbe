// Package packs moves packs from a server to devices. [Offer] is the server's side: manifests by name, and the files that they name by
// their sha256. [Source] is the client's side, and [Cache] the folder in which a device keeps what it fetched. There are two ways, HTTP
// ([Listen], [NewSource]) and a Kafka topic ([Publish], [NewTopicSource]). Over HTTP:
//
//	GET /v1/packs/NAME     the manifest of a pack; its sha256 is the ETag, so If-None-Match asks for a new version only
//	GET /v1/blobs/SHA256   one file, with Range and If-Range
//
// A download continues where it was cut, also after a restart of the process, and a file counts only after its sha256
// was checked and it was renamed into place.
package packs

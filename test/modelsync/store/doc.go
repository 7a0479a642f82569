// Package store is Amazon S3 for the tests of model sync: versitygw's front,
// which checks signatures and speaks the wire protocol, before a bucket in
// memory that keeps what a file system cannot.
//
// It does as S3 does, and refuses what S3 refuses:
//   - any key up to 1,024 bytes, whatever it looks like as a path;
//   - LastModified in whole seconds;
//   - ETags: MD5 for one part, MD5 of MD5s and -N for several;
//   - If-Match (412), If-None-Match, ranges (416), a GET that keeps the version
//     it began with while the next one gets the new bytes;
//   - a full-object CRC64NVME for what came without a checksum, told by HEAD and
//     a whole GET with checksum mode only;
//   - listings in pages of 1,000, each page of its own moment, with encoding;
//   - a missing key is 403 to who may not list;
//   - archived objects are 403 InvalidObjectState, and SlowDown is 503.
//
// Content may be bytes, or a seed: such an object costs nothing until it is
// read, however large it is.
//
// It is for programs as they run. The tests beside the code have a smaller S3 of
// their own, modelsync/bucket/buckettest, which says why.
package store

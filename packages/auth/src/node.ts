export { AuditSegments, type AuditSegmentsOptions } from './audit/audit-segments.js'
export { FileAuditSpool, type FileAuditSpoolOptions } from './audit/file-spool.js'
export { readCheckpoints, readSegments } from './audit/segment-files.js'

// Holds the write lock of an SQLite file until it is ended.
import SqliteDatabase from 'better-sqlite3'

const database = new SqliteDatabase(process.argv[2])
database.exec('begin exclusive')
process.stdout.write('held\n')
process.once('SIGTERM', () => process.exit(0))
// The reference keeps it from the garbage collector, which would close it.
setInterval(() => database.inTransaction, 60_000)

import {
  type AliasNode,
  DefaultQueryCompiler,
  type FetchNode,
  type OffsetNode,
  type OperationNode,
  type SelectQueryNode,
} from 'kysely'

/** Compiles for Oracle. Names are quoted, so they keep their lower case. */
export class OracleQueryCompiler extends DefaultQueryCompiler {
  protected override getCurrentParameterPlaceholder(): string {
    return `:${this.numParameters}`
  }

  // Before version 23 a select needs a table; a bare one is the last thing in what we write.
  protected override visitSelectQuery(node: SelectQueryNode): void {
    super.visitSelectQuery(node)
    if (node.from === undefined) this.append(' from dual')
  }

  // `as` is refused before the alias of a table.
  protected override visitAlias(node: AliasNode): void {
    this.visitNode(node.node)
    this.append(isTable(node.node) ? ' ' : ' as ')
    this.visitNode(node.alias)
  }

  protected override visitOffset(node: OffsetNode): void {
    this.append('offset ')
    this.visitNode(node.offset)
    this.append(' rows')
  }

  protected override visitFetch(node: FetchNode): void {
    this.append('fetch first ')
    this.visitNode(node.rowCount)
    this.append(' rows only')
  }
}

function isTable({ kind }: OperationNode): boolean {
  return kind === 'TableNode' || kind === 'SelectQueryNode'
}

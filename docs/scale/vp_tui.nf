// Nextflow module: embeds a sequence file in `shards` tasks and merges them into one folder.
//
//     include { VP_TUI_EMBED_ALL } from './vp_tui.nf'
//     workflow { VP_TUI_EMBED_ALL(Channel.of([[id: 'sample'], file('reads.fasta.gz'), file('checkpoint')]), 8) }
//
// Options of vp-tui embed: process { withName: VP_TUI_EMBED { ext.args = '--precision fp16 --store fp16' } }

process VP_TUI_EMBED {
    tag "${meta.id} ${shard}/${shards}"
    label 'process_gpu'
    container 'vp-tui:latest'

    input:
    tuple val(meta), path(sequences), path(model), val(shard), val(shards)

    output:
    tuple val(meta), path("shard-${shard}"), emit: part

    script:
    def args = task.ext.args ?: ''
    """
    vp-tui embed -m ${model} -i ${sequences} -o shard-${shard}/ --shard ${shard}/${shards} ${args}
    """

    stub:
    """
    mkdir shard-${shard}
    touch shard-${shard}/manifest.json
    """
}

process VP_TUI_MERGE {
    tag "${meta.id}"
    container 'vp-tui:latest'

    input:
    tuple val(meta), path(parts)

    output:
    tuple val(meta), path("embeddings"), emit: embeddings

    script:
    """
    vp-tui merge embeddings ${parts}
    """

    stub:
    """
    mkdir embeddings
    touch embeddings/manifest.json
    """
}

workflow VP_TUI_EMBED_ALL {
    take:
    inputs // [meta, sequences, model]
    shards // number of tasks per input

    main:
    tasks = inputs.flatMap { meta, sequences, model ->
        (1..shards).collect { shard -> [meta, sequences, model, shard, shards] }
    }
    VP_TUI_EMBED(tasks)
    VP_TUI_MERGE(VP_TUI_EMBED.out.part.groupTuple(size: shards))

    emit:
    embeddings = VP_TUI_MERGE.out.embeddings
}

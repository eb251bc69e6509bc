namespace VectorEngine;

/// <summary>Whether an index keeps the vectors themselves beside their codes.</summary>
public enum StoredVectors
{
    /// <summary>Codes only: the smallest index; distances are estimates.</summary>
    None = 0,

    /// <summary>As given: 4 bytes per dimension; distances can be exact.</summary>
    Float32 = 1,

    /// <summary>
    /// Rounded to float16: 2 bytes per dimension; distances can be exact to about three digits. Values beyond 65,504 are rejected.
    /// </summary>
    Float16 = 2,

    /// <summary>
    /// Where they are: a build from an Arrow file in the same store (VectorSource.FromObject) leaves them there, as float32 or float16, and
    /// the index refers to that object, which nobody may change or delete as long as the index is used. A change is found when a vector is
    /// read; the index never deletes the object. An index that was built so says which of the two types its vectors have.
    /// </summary>
    InPlace = 3,
}
